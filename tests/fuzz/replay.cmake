# sluice_replay: all harnesses in one program, without libFuzzer (replay.cpp).
set(table "// Made by the build: the harnesses of tests/fuzz.\n#pragma once\n#include <cstddef>\n#include <cstdint>\n#include <string_view>\n")
set(rows "")
set(objects "")
file(GLOB harnesses CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/*_fuzz.cpp)
foreach(source ${harnesses})
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "_fuzz$" "" name ${name})
  string(APPEND table "extern \"C\" int ${name}_one_input(const std::uint8_t*, std::size_t);\n")
  file(STRINGS ${source} initializes REGEX "LLVMFuzzerInitialize")
  set(initialize nullptr)
  if(initializes)
    set(initialize ${name}_initialize)
    string(APPEND table "extern \"C\" int ${initialize}(int*, char***);\n")
  endif()
  string(APPEND rows "    {\"${name}\", ${name}_one_input, ${initialize}},\n")
  set_property(SOURCE ${source} PROPERTY COMPILE_DEFINITIONS
    LLVMFuzzerTestOneInput=${name}_one_input LLVMFuzzerInitialize=${name}_initialize)
endforeach()
string(APPEND table "
namespace sluice::fuzz {
struct Harness {
  std::string_view name;
  int (*run)(const std::uint8_t*, std::size_t);
  int (*initialize)(int*, char***);
};
inline constexpr Harness kHarnesses[] = {\n${rows}};
}  // namespace sluice::fuzz
")
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/replay/harnesses.h CONTENT "${table}" @ONLY)
add_executable(sluice_replay fuzz/replay.cpp ${harnesses})
target_include_directories(sluice_replay PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
                                                 ${CMAKE_CURRENT_BINARY_DIR}/replay)
target_link_libraries(sluice_replay PRIVATE sluice_app PkgConfig::libsodium)
