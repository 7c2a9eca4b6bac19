# cmake -DOUTPUT=header.hpp -DFILES=a.lua;b.lua -P embed.cmake
set(text "#pragma once\n#include <string_view>\n\nnamespace shoal::scripts {\n\n")
foreach(file ${FILES})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} source)
    string(APPEND text "inline constexpr std::string_view ${name}_lua = R\"__lua__(${source})__lua__\";\n\n")
endforeach()
string(APPEND text "}  // namespace shoal::scripts\n")
file(WRITE ${OUTPUT} "${text}")
