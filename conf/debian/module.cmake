# What is in libnginx-mod-http-sluice, the package of nginx's module: the component is "module". package.cmake
# includes this where the module is built, and ./dev package builds both.
file(STRINGS /usr/share/nginx/src/debian/libnginx-mod.abisubstvars abi REGEX "^nginx:abi=")
string(REPLACE "nginx:abi=" "" abi "${abi}")

function(module destination)  # FILE…, from the top of the tree
  install(FILES ${ARGN} DESTINATION ${destination} COMPONENT module
          PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()
install(TARGETS ngx_http_sluice_module LIBRARY DESTINATION usr/lib/nginx/modules COMPONENT module
        PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
module(usr/share/nginx/modules-available conf/debian/module/mod-http-sluice.conf)
module(usr/share/doc/libnginx-mod-http-sluice ${made}/copyright ${made}/module/changelog.gz
       nginx/module/README.md)

file(READ ${made}/changelog text)
string(REGEX REPLACE "^sluice " "libnginx-mod-http-sluice " text "${text}")
file(WRITE ${made}/module/changelog "${text}")
compress(${made}/module/changelog ${made}/module/changelog.gz)
foreach(script postinst prerm postrm)
  file(COPY ${debian}/module/${script} DESTINATION ${made}/module
       FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                        WORLD_EXECUTE)
endforeach()

file(WRITE ${PROJECT_BINARY_DIR}/CPackModule.cmake "include(${PROJECT_BINARY_DIR}/CPackConfig.cmake)
set(CPACK_INSTALL_CMAKE_PROJECTS ${PROJECT_BINARY_DIR} sluice module /)
set(CPACK_PACKAGE_NAME libnginx-mod-http-sluice)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY \"multi-tenant rate limiter - module for nginx\")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
\"nginx decides by itself which requests may pass, by the config, the limits and
the counts of Sluice's workers, which package sluice has.\")
set(CPACK_DEBIAN_PACKAGE_SECTION httpd)
set(CPACK_DEBIAN_PACKAGE_DEPENDS \"${abi}, tzdata\")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS \"nginx, sluice\")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${made}/module/postinst ${made}/module/prerm ${made}/module/postrm)
")
