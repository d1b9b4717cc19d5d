# find_package(nosigbus) and pkg-config from an installed tree.
include(CMakePackageConfigHelpers)

install(TARGETS nosigbus nosigbus_static EXPORT nosigbus
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET nosigbus_fiber)
  install(TARGETS nosigbus_fiber EXPORT nosigbus LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/nosigbus DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET nosigbus_backtrace)
  install(TARGETS nosigbus_backtrace nosigbus_backtrace_static EXPORT nosigbus
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET nosigbus_wayland)
  install(TARGETS nosigbus_wayland EXPORT nosigbus LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
# MODULE: nobody links the drop-in.
if(TARGET nosigbus-preload)
  install(TARGETS nosigbus-preload LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET nosigbus-run)
  install(TARGETS nosigbus-run RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES ${PROJECT_SOURCE_DIR}/docs/report.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/nosigbus)
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nosigbus)
install(EXPORT nosigbus NAMESPACE nosigbus:: FILE nosigbusTargets.cmake DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/nosigbusConfig.cmake.in
  ${PROJECT_BINARY_DIR}/nosigbusConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/nosigbusConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/nosigbusConfig.cmake ${PROJECT_BINARY_DIR}/nosigbusConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/nosigbusThrowing.cmake
  DESTINATION ${package_dir})

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
configure_file(${CMAKE_CURRENT_LIST_DIR}/nosigbus.pc.in ${PROJECT_BINARY_DIR}/nosigbus.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/nosigbus.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
foreach(library backtrace wayland)
  if(TARGET nosigbus_${library})
    configure_file(${CMAKE_CURRENT_LIST_DIR}/nosigbus-${library}.pc.in ${PROJECT_BINARY_DIR}/nosigbus-${library}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/nosigbus-${library}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  endif()
endforeach()

include(cmake/manual.cmake)
