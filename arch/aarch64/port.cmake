# What cmake/options.cmake wants to know of this port.
set(NOSIGBUS_PORT_SOURCES compare.S copy.S fill.S guard.S raise.S scan.S routines.cpp)
# Atomics in place: the out-of-line ones are functions of libgcc, which the signal handler would call.
set(NOSIGBUS_PORT_OPTIONS $<$<COMPILE_LANGUAGE:C,CXX,ASM>:-mbranch-protection=standard>
  $<$<COMPILE_LANGUAGE:C,CXX>:-mno-outline-atomics>)
