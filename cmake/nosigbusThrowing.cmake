# nosigbus_enable_throwing(TARGET): builds the target so that any of its instructions may throw, as
# <nosigbus/throwing_guard.hpp> needs it. gcc only: clang has no such option.
function(nosigbus_enable_throwing target)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    message(FATAL_ERROR "nosigbus_enable_throwing(${target}): -fnon-call-exceptions is gcc's, and this is ${CMAKE_CXX_COMPILER_ID}")
  endif()
  target_compile_options(${target} PRIVATE -fnon-call-exceptions)
endfunction()
