# What every library, service and test of the tree is built with.

find_package(Threads REQUIRED)
find_package(Boost 1.81 EXACT REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_library(hiredis_library hiredis REQUIRED)
find_library(xxhash_library xxhash REQUIRED)
find_library(cares_library cares REQUIRED)
find_library(pq_library pq REQUIRED)
find_path(pq_include libpq-fe.h PATH_SUFFIXES postgresql REQUIRED)

add_library(shoal_options INTERFACE)
target_include_directories(shoal_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(shoal_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Woverloaded-virtual
    $<$<CXX_COMPILER_ID:GNU>:-fno-omit-frame-pointer>)
target_compile_definitions(shoal_options INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
    BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_THREADS SPDLOG_FMT_EXTERNAL
    SHOAL_VERSION="${PROJECT_VERSION}")
target_link_libraries(shoal_options INTERFACE Boost::headers Threads::Threads)
if(SHOAL_WERROR)
    target_compile_options(shoal_options INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 warns of sizes that no string can have where it inlines the functions of std::string.
    set(string_warnings -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
    target_compile_options(shoal_options INTERFACE $<$<CONFIG:Release>:${string_warnings}>)
endif()
if(SHOAL_SANITIZE)
    # GCC's -Wmaybe-uninitialized finds what is not there in instrumented code (libstdc++'s regex, std::function).
    target_compile_options(shoal_options INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_link_options(shoal_options INTERFACE -fsanitize=address,undefined)
endif()

# The one place where Asio and Beast are compiled, and the precompiled header that everybody reuses.
add_library(shoal_boost STATIC ${PROJECT_SOURCE_DIR}/deploy/cmake/boost.cpp)
target_link_libraries(shoal_boost PUBLIC shoal_options)
if(SHOAL_PCH)
    target_precompile_headers(shoal_boost PRIVATE ${PROJECT_SOURCE_DIR}/deploy/cmake/pch.hpp)
endif()

# Every header that the build makes: what clang-tidy needs of a build.
add_custom_target(shoal_generated)

function(shoal_target name)
    if(SHOAL_PCH)
        target_precompile_headers(${name} REUSE_FROM shoal_boost)
    endif()
endfunction()

# shoal_library(NAME DEPENDS...): a static library of every source in this folder.
function(shoal_library name)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC shoal_boost ${ARGN})
    shoal_target(${name})
endfunction()

# shoal_embed(TARGET FILES...): each X.lua becomes `inline constexpr std::string_view shoal::embedded::X_lua` in
# <TARGET>_embedded.hpp, each X.json X_json.
function(shoal_embed target)
    set(header ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.hpp)
    add_custom_command(
        OUTPUT ${header}
        COMMAND ${CMAKE_COMMAND} -DOUTPUT=${header} "-DFILES=${ARGN}" -P ${PROJECT_SOURCE_DIR}/deploy/cmake/embed.cmake
        DEPENDS ${ARGN} ${PROJECT_SOURCE_DIR}/deploy/cmake/embed.cmake
        VERBATIM)
    # A target of its own, so that the header can be made without the libraries that the service links.
    add_custom_target(${target}_embedded DEPENDS ${header})
    add_dependencies(${target} ${target}_embedded)
    add_dependencies(shoal_generated ${target}_embedded)
    target_include_directories(${target} PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
endfunction()

# shoal_service_parts(NAME FOLDER OUT): a large service has its sources in folders; each is a static library <name>_<folder>.
function(shoal_service_parts name folder out)
    set(parts)
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*/*.cpp)
    foreach(source ${sources})
        cmake_path(GET source PARENT_PATH parent)
        cmake_path(GET parent FILENAME part)
        list(APPEND parts ${part})
    endforeach()
    list(REMOVE_DUPLICATES parts)
    set(libraries)
    foreach(part ${parts})
        file(GLOB part_sources CONFIGURE_DEPENDS ${folder}/${part}/*.cpp)
        add_library(${name}_${part} STATIC ${part_sources})
        target_link_libraries(${name}_${part} PUBLIC shoal_purge_log shoal_views)
        shoal_target(${name}_${part})
        file(GLOB embedded CONFIGURE_DEPENDS ${folder}/${part}/*.lua ${folder}/${part}/*.json)
        if(embedded)
            shoal_embed(${name}_${part} ${embedded})
        endif()
        list(APPEND libraries ${name}_${part})
    endforeach()
    set(${out} ${libraries} PARENT_SCOPE)
endfunction()

# A service is a folder with a service.json: library <name>_service of its sources, with its Lua scripts and
# other JSON files embedded, and executable shoal-<name> of its main.cpp. A CMakeLists.txt of its own may add to that:
# what the libraries of its folders need of each other.
function(shoal_add_services)
    file(GLOB manifests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/services/*/service.json)
    foreach(manifest ${manifests})
        get_filename_component(folder ${manifest} DIRECTORY)
        get_filename_component(name ${folder} NAME)
        file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
        list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
        file(GLOB embedded CONFIGURE_DEPENDS ${folder}/*.lua ${folder}/*.json)
        list(REMOVE_ITEM embedded ${manifest})
        if(NOT sources)
            # All of a small service may be in its main.cpp, which is no part of the library.
            set(sources ${CMAKE_CURRENT_BINARY_DIR}/${name}_service.cpp)
            file(GENERATE OUTPUT ${sources} CONTENT "")
        endif()

        add_library(${name}_service STATIC ${sources})
        set_target_properties(${name}_service PROPERTIES LINKER_LANGUAGE CXX)
        shoal_service_parts(${name} ${folder} parts)
        target_link_libraries(${name}_service PUBLIC ${parts} shoal_purge_log shoal_views)
        if(embedded)
            shoal_embed(${name}_service ${embedded})
        endif()
        shoal_target(${name}_service)

        add_executable(shoal-${name} ${folder}/main.cpp)
        target_link_libraries(shoal-${name} PRIVATE ${name}_service)
        set_target_properties(shoal-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
        shoal_target(shoal-${name})
        install(TARGETS shoal-${name} RUNTIME DESTINATION lib/shoal/bin)

        if(EXISTS ${folder}/CMakeLists.txt)
            add_subdirectory(${folder} services/${name})
        endif()
    endforeach()
endfunction()
