# SPDX-License-Identifier: Apache-2.0
# One static library a folder, its unit tests (*_test.cc beside the code) in one program.

set(CLOUDSYNC_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
    -Wold-style-cast)

function(cloudsync_compile_options target)
  target_compile_options(${target} PRIVATE ${CLOUDSYNC_WARNINGS})
  if(CLOUDSYNC_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

# cloudsync_module(NAME name DEPS modules... LIBS libraries...)
function(cloudsync_module)
  cmake_parse_arguments(M "" "NAME" "DEPS;LIBS" ${ARGN})
  set(target cloudsync_${M_NAME})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(TRANSFORM M_DEPS PREPEND cloudsync_)
  if(sources)
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/include
                                                ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${target} PUBLIC ${M_DEPS} ${M_LIBS} Threads::Threads)
    cloudsync_compile_options(${target})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${PROJECT_SOURCE_DIR}/include
                                                   ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${target} INTERFACE ${M_DEPS} ${M_LIBS} Threads::Threads)
  endif()
  if(CLOUDSYNC_TESTS AND tests)
    cloudsync_test(NAME ${M_NAME}_test SOURCES ${tests} LIBS ${target} LABEL unit)
  endif()
endfunction()

# Of the tests' own sources, behind the flags of the build: what is tested is optimised and checked
# for undefined behaviour, what tests it need not be, and compiles in a third of the time.
set(CLOUDSYNC_TEST_FLAGS "" CACHE STRING "Compiler flags of the test sources")

# cloudsync_test(NAME name SOURCES files... LIBS libraries... LABEL label)
function(cloudsync_test)
  cmake_parse_arguments(T "" "NAME;LABEL" "SOURCES;LIBS" ${ARGN})
  add_executable(${T_NAME} ${T_SOURCES})
  target_include_directories(${T_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${T_NAME} PRIVATE ${T_LIBS} ${GMOCK_LIBRARY} ${RAPIDCHECK_LIBRARY}
                                          GTest::gtest GTest::gtest_main)
  cloudsync_compile_options(${T_NAME})
  target_compile_options(${T_NAME} PRIVATE ${CLOUDSYNC_TEST_FLAGS})
  add_test(NAME ${T_NAME} COMMAND ${T_NAME})
  set_tests_properties(${T_NAME} PROPERTIES LABELS ${T_LABEL} TIMEOUT 600)
endfunction()
