# What is in the .deb, and where. Nothing else installs anything. Paths begin at the root of the file
# system; the component is "package". The top CMakeLists.txt includes this file, and ./dev package builds
# the .deb. With SOURCE_DATE_EPOCH it has the same bytes each time.
set(CPACK_PACKAGE_CONTACT "The Sluice authors <maintainers@sluice.example>")

set(debian ${PROJECT_SOURCE_DIR}/conf/debian)
set(made ${PROJECT_BINARY_DIR}/debian)
set(scripts ${made}/postinst ${made}/prerm ${made}/postrm)

# The form of a copyright file: lines are indented, and an empty one is a dot.
file(READ ${PROJECT_SOURCE_DIR}/LICENSE license)
string(REGEX REPLACE "^.*authors\n\n" "" license "${license}")
string(STRIP "${license}" license)
string(REPLACE "\n\n" "\n.\n" license "${license}")
string(REPLACE "\n" "\n " license " ${license}")
configure_file(${debian}/copyright.in ${made}/copyright @ONLY)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # of SOURCE_DATE_EPOCH
configure_file(${debian}/changelog.in ${made}/changelog @ONLY)

# -n: without the name and the time of the file.
function(compress input output)
  execute_process(COMMAND gzip -9n INPUT_FILE ${input} OUTPUT_FILE ${output}
                  COMMAND_ERROR_IS_FATAL ANY)
endfunction()
compress(${made}/changelog ${made}/changelog.gz)
compress(${PROJECT_SOURCE_DIR}/conf/man/sluice.1 ${made}/sluice.1.gz)
compress(${PROJECT_SOURCE_DIR}/conf/man/sluice.cfg.5 ${made}/sluice.cfg.5.gz)

function(package destination)  # FILE…, from the top of the tree
  install(FILES ${ARGN} DESTINATION ${destination} COMPONENT package
          PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

install(TARGETS sluice RUNTIME DESTINATION usr/bin COMPONENT package)
install(PROGRAMS conf/debian/restart conf/run/keep DESTINATION usr/lib/sluice COMPONENT package)
package(etc/sluice conf/debian/sluice.cfg conf/tenants.cfg)
install(FILES conf/debian/sluice.default DESTINATION etc/default RENAME sluice COMPONENT package
        PERMISSIONS OWNER_READ OWNER_WRITE)  # systemd reads it, as root
package(usr/lib/systemd/system conf/systemd/sluice@.service conf/systemd/sluice@.socket
        conf/systemd/sluice.target)
install(FILES conf/systemd/sysusers.conf DESTINATION usr/lib/sysusers.d RENAME sluice.conf
        COMPONENT package)
package(usr/share/bash-completion/completions conf/bash-completion/sluice)
package(usr/share/doc/sluice ${made}/copyright ${made}/changelog.gz CHANGELOG.md README.md
        conf/sluice-full.cfg)
install(FILES nginx/README.md DESTINATION usr/share/doc/sluice RENAME README.nginx.md
        COMPONENT package)
install(DIRECTORY nginx/examples DESTINATION usr/share/doc/sluice COMPONENT package
        FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ
        PATTERN __pycache__ EXCLUDE)
install(FILES conf/debian/lintian-overrides DESTINATION usr/share/lintian/overrides RENAME sluice
        COMPONENT package)
package(usr/share/man/man1 ${made}/sluice.1.gz)
package(usr/share/man/man5 ${made}/sluice.cfg.5.gz)
# In a checkout or in /etc/nginx a snippet finds another beside nginx.conf. Here it needs the whole path.
foreach(snippet sluice_server.conf sluice_question.conf sluice_errors.conf sluice_settle.conf)
  file(READ nginx/${snippet} text)
  string(REGEX REPLACE "(^|\n *)include sluice_" "\\1include /usr/share/sluice/nginx/sluice_" text "${text}")
  file(WRITE ${made}/${snippet} "${text}")
endforeach()
package(usr/share/sluice/nginx nginx/sluice_params nginx/sluice_location.conf ${made}/sluice_errors.conf
        nginx/sluice_error_pages.conf nginx/sluice_error_answers.conf nginx/sluice_hardening.conf
        nginx/sluice_site.conf nginx/sluice_http.conf ${made}/sluice_server.conf nginx/sluice_gate.conf
        nginx/sluice_fields.conf nginx/sluice_denied.conf ${made}/sluice_settle.conf
        nginx/sluice_shield.conf nginx/sluice_cors.conf ${made}/sluice_question.conf)

set(CPACK_GENERATOR DEB)
set(CPACK_INSTALL_CMAKE_PROJECTS ${PROJECT_BINARY_DIR} sluice package /)
set(CPACK_PACKAGING_INSTALL_PREFIX /)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
    GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "multi-tenant rate limiter and chat backend behind nginx")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"nginx terminates HTTP; several FastCGI workers enforce the plan of the
caller's tenant and keep every count in Redis, so that all processes and hosts
share one truth. Each decision is one Lua script in one round trip, which
charges every limit that applies, or none.

Workers are activated by sockets of systemd. nginx snippets are included.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Each of the two has systemd-sysusers, which makes the user.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers, tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "nginx, redis-server")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(script postinst prerm postrm)
  file(COPY ${debian}/${script} DESTINATION ${made}
       FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                        WORLD_EXECUTE)
endforeach()
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/conffiles ${scripts})
include(CPack)
if(TARGET ngx_http_sluice_module)
  include(${debian}/module.cmake)
endif()
