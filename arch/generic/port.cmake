# What cmake/options.cmake wants to know of this port.
set(NOSIGBUS_PORT_SOURCES copy.cpp guard.cpp inline_call.cpp loops.cpp routines.cpp)
# Whatever control-flow protection the machine has. Compilers may ignore, with a warning, what is another's.
include(CheckCXXCompilerFlag)
set(NOSIGBUS_PORT_OPTIONS)
foreach(flag -fcf-protection=full -mbranch-protection=standard)
  string(MAKE_C_IDENTIFIER "has${flag}" variable)
  check_cxx_compiler_flag("${flag} -Werror" ${variable})
  if(${variable})
    list(APPEND NOSIGBUS_PORT_OPTIONS $<$<COMPILE_LANGUAGE:C,CXX>:${flag}>)
  endif()
endforeach()
# No extable: guarded operations have recovery points, and inline ones are calls.
set(NOSIGBUS_PORT_WITHOUT_EXTABLE ON)
