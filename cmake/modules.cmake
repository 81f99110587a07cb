# One static library per folder of src/, named digitalism_<folder>; only the folder's own libraries are private to it.
set(DIGITALISM_LIBRARIES)

function(digitalism_sources variable folder)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.c)
    set(${variable} ${sources} PARENT_SCOPE)
endfunction()

macro(digitalism_module name)
    cmake_parse_arguments(module "" "" "LIBRARIES" ${ARGN})
    digitalism_sources(module_sources src/${name})
    if(module_sources)
        add_library(digitalism_${name} STATIC ${module_sources})
        target_include_directories(digitalism_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include PRIVATE ${PROJECT_SOURCE_DIR}/src)
        target_link_libraries(digitalism_${name} PRIVATE ${module_LIBRARIES})
        # For the unit tests of this folder, which may use what its private headers use.
        set(digitalism_${name}_libraries ${module_LIBRARIES})
        # Later modules come first on the link line: they may use the earlier ones, never the other way round.
        list(PREPEND DIGITALISM_LIBRARIES digitalism_${name})
    endif()
endmacro()
