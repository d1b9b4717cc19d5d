# find_package(nosigbus) and pkg-config from an installed tree.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nosigbus)
# Relative to the .pc file itself, so that `cmake --install --prefix` and a tree that was moved are found.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
  BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE pc_prefix)
foreach(dir LIBDIR INCLUDEDIR)
  string(TOLOWER pc_${dir} variable)
  set(${variable} "\${prefix}")
  cmake_path(APPEND ${variable} ${CMAKE_INSTALL_${dir}})  # an absolute one replaces what is in front
endforeach()
set(pc_definitions ${NOSIGBUS_PUBLIC_DEFINITIONS})
list(TRANSFORM pc_definitions PREPEND " -D")

# install_library(NAME TARGET...): by what its users find it, each library has files of its own, so that each can be in
# a package of its own.
function(install_library name)
  install(TARGETS ${ARGN} EXPORT ${name}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT ${name} NAMESPACE nosigbus:: FILE ${name}Targets.cmake DESTINATION ${package_dir})
  configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
install_library(nosigbus nosigbus nosigbus_static)
if(TARGET nosigbus_fiber)
  install_library(nosigbus-fiber nosigbus_fiber)
endif()
if(TARGET nosigbus_backtrace)
  install_library(nosigbus-backtrace nosigbus_backtrace nosigbus_backtrace_static)
endif()
if(TARGET nosigbus_wayland)
  install_library(nosigbus-wayland nosigbus_wayland)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/nosigbus DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/nosigbusConfig.cmake.in
  ${PROJECT_BINARY_DIR}/nosigbusConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/nosigbusConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/nosigbusConfig.cmake ${PROJECT_BINARY_DIR}/nosigbusConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/nosigbusThrowing.cmake
  DESTINATION ${package_dir})

# Nobody links the drop-in and what nosigbus-run loads: they have no soname, and a folder of their own.
if(TARGET nosigbus-preload)
  install(TARGETS nosigbus-preload LIBRARY DESTINATION ${NOSIGBUS_PRELOAD_FOLDER})
endif()
if(TARGET nosigbus-run)
  install(TARGETS nosigbus-run RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES ${PROJECT_SOURCE_DIR}/docs/report.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/nosigbus)
endif()

include(cmake/manual.cmake)
