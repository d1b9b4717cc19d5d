# What every target of this project is compiled with: nosigbus_options for all code,
# nosigbus_core_options for what runs inside other people's processes and signal handlers.

add_library(nosigbus_options INTERFACE)
target_compile_options(nosigbus_options INTERFACE
  -Wall -Wextra -Wshadow -Wvla $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  $<$<BOOL:${NOSIGBUS_DEVELOPER}>:-Werror>)
# A list with commas is no operand of $<BOOL:>.
string(COMPARE NOTEQUAL "${NOSIGBUS_SANITIZE}" "" NOSIGBUS_SANITIZED)
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
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions;-fno-rtti;-fno-threadsafe-statics;-fasynchronous-unwind-tables>
  $<$<COMPILE_LANGUAGE:C,CXX>:-fvisibility=hidden;-ftls-model=initial-exec;-fno-stack-protector>)
target_link_libraries(nosigbus_core_options INTERFACE nosigbus_options)

# What finds mistakes of the program at some cost.
string(COMPARE EQUAL "${CMAKE_BUILD_TYPE}" Debug debug_build)
option(NOSIGBUS_CHECKS "End the process when a region is used after its release" ${debug_build})
target_compile_definitions(nosigbus_core_options INTERFACE $<$<BOOL:${NOSIGBUS_CHECKS}>:NOSIGBUS_CHECKS>)

# The port: a folder of arch/. The generic one needs to know nothing of the processor.
set(NOSIGBUS_ARCH "" CACHE STRING "Port: a folder of arch/ (empty: the one for this processor)")
if(NOSIGBUS_ARCH)
  if(NOT EXISTS ${PROJECT_SOURCE_DIR}/arch/${NOSIGBUS_ARCH}/port.cmake)
    message(FATAL_ERROR "nosigbus has no port named ${NOSIGBUS_ARCH}")
  endif()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(NOSIGBUS_ARCH x86_64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(NOSIGBUS_ARCH aarch64)
else()
  set(NOSIGBUS_ARCH generic)
endif()
set(NOSIGBUS_ARCH_DIR ${PROJECT_SOURCE_DIR}/arch/${NOSIGBUS_ARCH})
include(${NOSIGBUS_ARCH_DIR}/port.cmake)
list(TRANSFORM NOSIGBUS_PORT_SOURCES PREPEND ${NOSIGBUS_ARCH_DIR}/)
target_compile_options(nosigbus_core_options INTERFACE ${NOSIGBUS_PORT_OPTIONS})
# Rows that a program's inline operations bring along would be of no use: it is to call them.
set(NOSIGBUS_PUBLIC_DEFINITIONS)
if(NOSIGBUS_PORT_WITHOUT_EXTABLE)
  set(NOSIGBUS_PUBLIC_DEFINITIONS NOSIGBUS_PORTABLE)
  target_compile_definitions(nosigbus_core_options INTERFACE ${NOSIGBUS_PUBLIC_DEFINITIONS})
endif()
# Guards that headers put into programs cannot be checked: programs are to call the library's.
if(NOSIGBUS_CHECKS)
  list(APPEND NOSIGBUS_PUBLIC_DEFINITIONS NOSIGBUS_CHECKS)
endif()
