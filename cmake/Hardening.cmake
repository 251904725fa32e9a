# SPDX-License-Identifier: Apache-2.0
# What turns a memory fault in a release build into an end of the program instead of an entrance, and
# keeps the builder's paths out of it. Holds for compiling and for link-time optimisation alike.

include(CheckCXXCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(hardening -fstack-protector-strong -fstack-clash-protection
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
check_cxx_compiler_flag(-fcf-protection=full HAS_CONTROL_FLOW_PROTECTION)
if(HAS_CONTROL_FLOW_PROTECTION)
  list(APPEND hardening -fcf-protection=full)
endif()

foreach(flag ${hardening})
  add_compile_options($<$<CONFIG:Release>:${flag}>)
  add_link_options($<$<CONFIG:Release>:${flag}>)
endforeach()
add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=3> $<$<CONFIG:Release>:_GLIBCXX_ASSERTIONS>)
add_link_options($<$<CONFIG:Release>:LINKER:-z,relro,-z,now,-z,noexecstack>)
