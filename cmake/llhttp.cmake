# Gives the target `llhttp`: Debian trixie's libllhttp, or the C source that bookworm ships in node-llhttp.
pkg_check_modules(LLHTTP QUIET IMPORTED_TARGET libllhttp)
add_library(llhttp INTERFACE)
if(LLHTTP_FOUND)
    target_link_libraries(llhttp INTERFACE PkgConfig::LLHTTP)
else()
    find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH REQUIRED)
    find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp /usr/include NO_DEFAULT_PATH REQUIRED)
    file(GLOB llhttp_sources ${LLHTTP_SOURCE_DIR}/*.c)
    add_library(llhttp_source STATIC ${llhttp_sources})
    target_include_directories(llhttp_source SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
    target_compile_options(llhttp_source PRIVATE -w) # not our code: its warnings are its maintainers' business
    target_link_libraries(llhttp INTERFACE llhttp_source)
endif()
