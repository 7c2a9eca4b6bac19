# Run by `cmake --install`, with `source`: what the tools work with, and what people read, in the words of a machine
# that has it installed.

set(prefix ${CMAKE_INSTALL_PREFIX})
set(commands fleet loadtest)

# put(TARGET FILE): FILE of the source, to TARGET below the prefix.
function(put target file)
    file(READ ${source}/${file} text)
    foreach(command ${commands})
        string(REGEX REPLACE "([^/])scripts/${command}" "\\1shoal-${command}" text "${text}")
    endforeach()
    string(REGEX REPLACE "([^/])scripts/bootstrap" "\\1${prefix}/share/shoal/scripts/bootstrap" text "${text}")
    foreach(word prefix service sockets)
        string(REPLACE @${word}@ "${${word}}" text "${text}")
    endforeach()
    set(path ${prefix}/${target})
    message(STATUS "Installing: $ENV{DESTDIR}${path}")
    # Not written through: what stands there may be a link, or of another mode.
    file(REMOVE $ENV{DESTDIR}${path})
    file(WRITE $ENV{DESTDIR}${path} "${text}")
    set(mode OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
    if(text MATCHES "^#!")
        list(APPEND mode OWNER_EXECUTE GROUP_EXECUTE WORLD_EXECUTE)
    endif()
    file(CHMOD $ENV{DESTDIR}${path} PERMISSIONS ${mode})
    set(CMAKE_INSTALL_MANIFEST_FILES ${CMAKE_INSTALL_MANIFEST_FILES} ${path} PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE ${source}
    ${source}/scripts/shoal_fleet/*.py ${source}/scripts/shoal_load/*.py
    ${source}/haproxy/* ${source}/deploy/*.in ${source}/deploy/*.md ${source}/deploy/*.yml ${source}/deploy/*.json
    ${source}/deploy/protect/*)
file(GLOB manifests RELATIVE ${source} ${source}/services/*/service.json)
file(GLOB modules RELATIVE ${source} ${source}/services/*/*.py)
list(FILTER files EXCLUDE REGEX "^deploy/systemd/.*\\.in$|\\.test\\.yml$")
list(APPEND files ${manifests} ${modules} scripts/bootstrap
    tests/load/help.txt tests/load/results.schema.json tests/load/wrk/scenario.lua)
foreach(command ${commands})
    list(APPEND files scripts/${command})
endforeach()
foreach(file ${files})
    put(share/shoal/${file} ${file})
endforeach()
put(share/doc/shoal/README.md README.md)

set(units lib/systemd/system)
put(${units}/shoal-fleet@.service deploy/systemd/shoal-fleet@.service.in)
foreach(manifest ${manifests})
    file(READ ${source}/${manifest} text)
    string(JSON service GET "${text}" name)
    string(JSON front ERROR_VARIABLE none GET "${text}" site_front)
    set(sockets "--listen unix:/run/shoal/${service}-%i.sock")
    if(NOT none)
        string(APPEND sockets " --listen-site unix:/run/shoal/${service}-%i.site")
    endif()
    put(${units}/shoal-${service}@.service deploy/systemd/shoal-worker@.service.in)
endforeach()

file(MAKE_DIRECTORY $ENV{DESTDIR}${prefix}/bin)
foreach(command ${commands})
    set(path ${prefix}/bin/shoal-${command})
    message(STATUS "Installing: $ENV{DESTDIR}${path}")
    file(CREATE_LINK ../share/shoal/scripts/${command} $ENV{DESTDIR}${path} SYMBOLIC)
    list(APPEND CMAKE_INSTALL_MANIFEST_FILES ${path})
endforeach()
