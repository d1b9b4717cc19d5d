# The manual pages, and a page for each further name that they have in their NAME section, which is the same page
# (soelim(1)).

# manual_pages(PAGE...): installs docs/man/PAGE.
function(manual_pages)
  foreach(page ${ARGN})
    set(file ${PROJECT_SOURCE_DIR}/docs/man/${page})
    set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    string(REGEX REPLACE ".*\\." "" section ${page})
    set(folder man${section})
    install(FILES ${file} DESTINATION ${CMAKE_INSTALL_MANDIR}/${folder})
    file(STRINGS ${file} names REGEX "^\\.Nm [a-z0-9_]+")
    foreach(name ${names})
      string(REGEX REPLACE "^\\.Nm ([a-z0-9_]+).*" "\\1" name ${name})
      if(NOT page STREQUAL "${name}.${section}")
        set(alias ${PROJECT_BINARY_DIR}/man/${folder}/${name}.${section})
        file(CONFIGURE OUTPUT ${alias} CONTENT ".so ${folder}/${page}\n")
        install(FILES ${alias} DESTINATION ${CMAKE_INSTALL_MANDIR}/${folder})
      endif()
    endforeach()
  endforeach()
endfunction()

manual_pages(nosigbus.7 nosigbus_install.3 nosigbus_safe_read.3 nosigbus_safe_strnlen.3 nosigbus_safe_load.3
  nosigbus_map.3 nosigbus_event_fd.3 nosigbus_guard.3 nosigbus_recovery_begin.3 nosigbus_extable_register.3
  nosigbus_hostile_buffer.3)
if(TARGET nosigbus_fiber)
  manual_pages(nosigbus_fiber.3)
endif()
if(TARGET nosigbus_backtrace)
  manual_pages(nosigbus_backtrace_enable.3)
endif()
if(TARGET nosigbus_wayland)
  manual_pages(nosigbus_wl_view_get.3)
endif()
if(TARGET nosigbus-run)
  install(FILES ${PROJECT_SOURCE_DIR}/docs/man/nosigbus-run.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
