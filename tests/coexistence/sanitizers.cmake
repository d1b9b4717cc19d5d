# The program below each of clang's sanitizers, whose runtimes are in a package of their own.
find_program(NOSIGBUS_CLANG NAMES clang clang-14)
set(runtimes)
if(NOSIGBUS_CLANG)
  execute_process(COMMAND ${NOSIGBUS_CLANG} -print-runtime-dir
    OUTPUT_VARIABLE runtime_dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  file(GLOB runtimes ${runtime_dir}/libclang_rt.*.a)
endif()

set(programs)
# sanitized(NAME RUNTIME FLAG...)
macro(sanitized name runtime)
  if("${runtimes}" MATCHES "libclang_rt\\.${runtime}[-.]")
    set(program ${CMAKE_CURRENT_BINARY_DIR}/sanitized-${name})
    add_custom_command(OUTPUT ${program}
      COMMAND ${NOSIGBUS_CLANG} -std=gnu11 -O1 -g -Wall -Wextra -Werror ${ARGN}
        -I ${PROJECT_SOURCE_DIR}/include -I ${PROJECT_SOURCE_DIR}/examples/embedders/common ${sources}
        $<TARGET_FILE:embedders_handlers> $<TARGET_FILE:nosigbus> -Wl,-rpath,$<TARGET_FILE_DIR:nosigbus> -lpthread -ldl
        -o ${program}
      DEPENDS ${sources} subject.h embedders_handlers nosigbus
      VERBATIM)
    string(TOUPPER ${name} variable)
    list(APPEND definitions COEXISTENCE_${variable}=${program})
    list(APPEND programs ${program})
  else()
    message(STATUS "coexistence with ${name} is not tested: no such runtime of clang (Debian: clang, libclang-rt-14-dev)")
  endif()
endmacro()

find_program(SETARCH setarch)
set(definitions COEXISTENCE_SETARCH=)
if(SETARCH)
  execute_process(COMMAND ${SETARCH} -R true RESULT_VARIABLE refused OUTPUT_QUIET ERROR_QUIET)
  if(NOT refused)
    set(definitions COEXISTENCE_SETARCH=${SETARCH})
  endif()
endif()
sanitized(address asan -fsanitize=address)
sanitized(undefined ubsan_standalone -fsanitize=undefined)
sanitized(thread tsan -fsanitize=thread)
sanitized(memory msan -fsanitize=memory)
sanitized(fuzzer fuzzer -fsanitize=fuzzer -DCOEXISTENCE_FUZZER)
sanitized(fuzzer_address fuzzer -fsanitize=fuzzer,address -DCOEXISTENCE_FUZZER)
if(programs)
  add_custom_target(coexistence_sanitized DEPENDS ${programs})
  coexistence_test(sanitizers ${definitions})
  add_dependencies(coexistence_sanitizers_test coexistence_sanitized)
endif()
