# Runs the port without vcpkg, which Debian does not have: by `cmake -P`, with what vcpkg's functions leave
# behind as far as this port needs it. It shows that the port's own lines are right, not that vcpkg
# accepts the package.
#
#     cmake -DDOWNLOADS=… -DPACKAGES=… -DBUILDTREES=… -DARCHITECTURE=x64 -DLINKAGE=static \
#         -DVERSION=… -P vcpkg.cmake

set(PORT caretoken)
set(CURRENT_PACKAGES_DIR "${PACKAGES}")
set(CURRENT_BUILDTREES_DIR "${BUILDTREES}")
set(VCPKG_LIBRARY_LINKAGE "${LINKAGE}")
set(VCPKG_TARGET_ARCHITECTURE "${ARCHITECTURE}")
set(VCPKG_TARGET_IS_LINUX ON)

function(vcpkg_check_linkage)
  message(FATAL_ERROR "on Linux there are both libraries")
endfunction()

# It rewrites the prefix, which is relative already.
function(vcpkg_fixup_pkgconfig)
  file(GLOB_RECURSE found "${CURRENT_PACKAGES_DIR}/*.pc")
  if(NOT found)
    message(FATAL_ERROR "there is no .pc file")
  endif()
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" FILE_LIST)
  foreach(file IN LISTS arg_FILE_LIST)
    file(READ "${file}" text)
    file(APPEND "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright" "${text}")
  endforeach()
endfunction()

include("${CMAKE_CURRENT_LIST_DIR}/../vcpkg/caretoken/portfile.cmake")
