# aarch64 on another machine: Debian's cross compiler, and qemu-user to run what it makes.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(_triple aarch64-linux-gnu)
set(CMAKE_C_COMPILER ${_triple}-gcc)
set(CMAKE_CXX_COMPILER ${_triple}-g++)
set(CMAKE_ASM_COMPILER ${_triple}-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE ${_triple})

# Libraries of the target only; headers and packages that have no architecture (doctest) also of the host.
set(CMAKE_FIND_ROOT_PATH /usr/${_triple})
# Those that Debian has for the target alone, unpacked by scripts/lib/arm64.sh. Static: who runs it needs none of
# them.
if(DEFINED ENV{NOSIGBUS_ARM64_LIBRARIES})
  list(APPEND CMAKE_FIND_ROOT_PATH $ENV{NOSIGBUS_ARM64_LIBRARIES})
  set(Boost_USE_STATIC_LIBS ON)
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)

# LD_LIBRARY_PATH: with libc6:arm64 installed as well, the loader would mix two C libraries.
set(CMAKE_CROSSCOMPILING_EMULATOR
  qemu-aarch64;-L;/usr/${_triple};-E;LD_LIBRARY_PATH=/usr/${_triple}/lib)
