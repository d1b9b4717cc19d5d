# What every target of this project is compiled with: nosigbus_options for all code,
# nosigbus_core_options for what runs inside other people's processes and signal handlers.

add_library(nosigbus_options INTERFACE)
target_compile_options(nosigbus_options INTERFACE
  -Wall -Wextra -Wshadow -Wvla $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  $<$<BOOL:${NOSIGBUS_DEVELOPER}>:-Werror>)
if(NOSIGBUS_SANITIZE)
  target_compile_options(nosigbus_options INTERFACE -fsanitize=${NOSIGBUS_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(nosigbus_options INTERFACE -fsanitize=${NOSIGBUS_SANITIZE})
  if(NOSIGBUS_SANITIZE MATCHES "undefined")
    # function: handlers are called as the kernel calls them, with three arguments whatever their type is.
    target_compile_options(nosigbus_options INTERFACE -fno-sanitize-recover=all
      $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  endif()
endif()

# The core needs libc alone: no exceptions, RTTI or guarded statics that would pull in libstdc++.
# Its thread-locals are read in a signal handler, where only the initial-exec model is safe.
add_library(nosigbus_core_options INTERFACE)
target_compile_options(nosigbus_core_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions;-fno-rtti;-fno-threadsafe-statics>
  $<$<COMPILE_LANGUAGE:C,CXX>:-fvisibility=hidden;-ftls-model=initial-exec;-fno-stack-protector>)
target_link_libraries(nosigbus_core_options INTERFACE nosigbus_options)

set(NOSIGBUS_ARCH ${CMAKE_SYSTEM_PROCESSOR})
if(NOSIGBUS_ARCH MATCHES "^(x86_64|AMD64)$")
  set(NOSIGBUS_ARCH x86_64)
  target_compile_options(nosigbus_core_options INTERFACE $<$<COMPILE_LANGUAGE:C,CXX,ASM>:-fcf-protection=full>)
elseif(NOSIGBUS_ARCH MATCHES "^(aarch64|arm64)$")
  set(NOSIGBUS_ARCH aarch64)
  # Atomics in place: the out-of-line ones are functions of libgcc, which the signal handler would call.
  target_compile_options(nosigbus_core_options INTERFACE
    $<$<COMPILE_LANGUAGE:C,CXX,ASM>:-mbranch-protection=standard> $<$<COMPILE_LANGUAGE:C,CXX>:-mno-outline-atomics>)
else()
  message(FATAL_ERROR "nosigbus has no port for ${NOSIGBUS_ARCH}; arch/ holds the ones there are")
endif()
set(NOSIGBUS_ARCH_DIR ${PROJECT_SOURCE_DIR}/arch/${NOSIGBUS_ARCH})
