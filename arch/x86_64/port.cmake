# What cmake/options.cmake wants to know of this port.
set(NOSIGBUS_PORT_SOURCES compare.S compare_wide.S copy.S fill.S guard.S raise.S scan.S
    scan_wide.S routines.cpp)
set(NOSIGBUS_PORT_OPTIONS $<$<COMPILE_LANGUAGE:C,CXX,ASM>:-fcf-protection=full>)
