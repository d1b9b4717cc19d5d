# Tests of what is delivered rather than of what it does: the library as a file, the headers, the
# README's example, the style of the sources.

# A sanitizer adds symbols and libraries of its own.
if(NOT NOSIGBUS_SANITIZE)
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=libc.so.6
    OUTPUT_VARIABLE libc OUTPUT_STRIP_TRAILING_WHITESPACE)
  add_test(NAME library_test
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/library_test.sh $<TARGET_FILE:nosigbus>
      ${PROJECT_SOURCE_DIR}/src/libnosigbus.map ${PROJECT_SOURCE_DIR}/include/nosigbus ${libc}
      $<TARGET_OBJECTS:nosigbus_objects>
    COMMAND_EXPAND_LISTS)
  set_tests_properties(library_test PROPERTIES ENVIRONMENT CC=${CMAKE_C_COMPILER})
  if(TARGET nosigbus_backtrace)
    add_test(NAME backtrace_library_test
      COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/library_test.sh $<TARGET_FILE:nosigbus_backtrace>
        ${PROJECT_SOURCE_DIR}/src/backtrace/libnosigbus-backtrace.map ${PROJECT_SOURCE_DIR}/include/nosigbus ${libc}
        $<TARGET_OBJECTS:nosigbus_backtrace_objects>
      COMMAND_EXPAND_LISTS)
    set_tests_properties(backtrace_library_test PROPERTIES ENVIRONMENT CC=${CMAKE_C_COMPILER})
  endif()
  if(TARGET nosigbus_wayland)
    add_test(NAME wayland_library_test
      COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/library_test.sh $<TARGET_FILE:nosigbus_wayland>
        ${PROJECT_SOURCE_DIR}/src/wayland/libnosigbus-wayland.map ${PROJECT_SOURCE_DIR}/include/nosigbus ${libc}
        $<TARGET_OBJECTS:nosigbus_wayland_objects>
      COMMAND_EXPAND_LISTS)
    set_tests_properties(wayland_library_test PROPERTIES ENVIRONMENT CC=${CMAKE_C_COMPILER})
  endif()
endif()

# headers_test(NAME LANGUAGE COMPILER [FLAG...])
function(headers_test name)
  add_test(NAME headers_test_${name}
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/headers_test.sh ${ARGN})
  set_tests_properties(headers_test_${name} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()
headers_test(c c ${PROJECT_SOURCE_DIR}/include ${CMAKE_C_COMPILER} -Wshadow -Wstrict-prototypes)
headers_test(cpp c++ ${PROJECT_SOURCE_DIR}/include ${CMAKE_CXX_COMPILER} -Wshadow)
headers_test(asm asm ${PROJECT_SOURCE_DIR}/include ${CMAKE_C_COMPILER})
headers_test(musl c ${PROJECT_SOURCE_DIR}/include musl-gcc)

# The first block of C++ in the README, as a program.
set(readme ${PROJECT_SOURCE_DIR}/README.md)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${readme})
file(READ ${readme} text)
string(FIND "${text}" "```cpp\n" begin)
if(begin EQUAL -1)
  message(FATAL_ERROR "README.md has no block of C++")
endif()
math(EXPR begin "${begin} + 7")
string(SUBSTRING "${text}" ${begin} -1 text)
string(FIND "${text}" "```" end)
string(SUBSTRING "${text}" 0 ${end} text)
file(CONFIGURE OUTPUT readme_example.cpp CONTENT "${text}" @ONLY)
add_executable(readme_example ${CMAKE_CURRENT_BINARY_DIR}/readme_example.cpp)
target_link_libraries(readme_example PRIVATE nosigbus::nosigbus nosigbus_options)
add_test(NAME readme_example COMMAND readme_example)
