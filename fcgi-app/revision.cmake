# Runs in every build: writes OUTPUT, a source file that says which commit this is, if it says
# something else so far. Variables: SOURCE_DIR, OUTPUT. Where no git can say, SLUICE_REVISION of the
# environment does.
cmake_minimum_required(VERSION 3.25)

function(git result)
  execute_process(COMMAND git --no-optional-locks ${ARGN} WORKING_DIRECTORY ${SOURCE_DIR}
                  OUTPUT_VARIABLE said ERROR_QUIET RESULT_VARIABLE code
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT code EQUAL 0)
    set(said "")
  endif()
  set(${result} "${said}" PARENT_SCOPE)
endfunction()

set(revision unknown)
# Not the commit of a repository in which somebody has unpacked our sources.
git(above rev-parse --show-cdup)
git(commit rev-parse --verify HEAD)
if(commit AND above STREQUAL "")
  string(SUBSTRING ${commit} 0 7 revision)  # --short makes it longer where there are many commits
  git(changed status --porcelain --untracked-files=no)
  if(changed)
    string(APPEND revision -dirty)
  endif()
elseif(NOT "$ENV{SLUICE_REVISION}" STREQUAL "")
  if(NOT "$ENV{SLUICE_REVISION}" MATCHES "^([0-9a-f]+)(-dirty)?$")
    message(FATAL_ERROR "SLUICE_REVISION=$ENV{SLUICE_REVISION}: give a commit, as git rev-parse HEAD prints it")
  endif()
  string(SUBSTRING "${CMAKE_MATCH_1}" 0 7 revision)
  string(APPEND revision "${CMAKE_MATCH_2}")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"// Made by revision.cmake.
#include \"version.h\"

namespace sluice {

const char* const kRevision = \"${revision}\";

}  // namespace sluice
")
