# vcpkg install caretoken --overlay-ports=packaging/vcpkg
#
# The release archive of the triplet must lie in vcpkg's folder of downloads.

if(VCPKG_TARGET_ARCHITECTURE STREQUAL "x64")
  set(processor x86_64)
elseif(VCPKG_TARGET_ARCHITECTURE STREQUAL "arm64")
  set(processor aarch64)
elseif(VCPKG_TARGET_ARCHITECTURE STREQUAL "x86")
  set(processor i686)
endif()
if(VCPKG_TARGET_IS_WINDOWS)
  set(name "caretoken-${VERSION}-${processor}-pc-windows-gnu")
  set(archive "${name}.zip")
elseif(VCPKG_TARGET_IS_OSX)
  set(name "caretoken-${VERSION}-${processor}-apple-darwin")
  set(archive "${name}.tar.gz")
else()
  set(name "caretoken-${VERSION}-${processor}-unknown-linux-gnu")
  set(archive "${name}.tar.gz")
endif()
if(NOT EXISTS "${DOWNLOADS}/${archive}")
  message(FATAL_ERROR "caretoken comes as a release archive: put ${archive} into ${DOWNLOADS}")
endif()
# The static library is for MinGW; MSVC has the shared one.
if(VCPKG_TARGET_IS_WINDOWS AND NOT VCPKG_TARGET_IS_MINGW)
  vcpkg_check_linkage(ONLY_DYNAMIC_LIBRARY)
endif()

set(unpacked "${CURRENT_BUILDTREES_DIR}/archive")
file(REMOVE_RECURSE "${unpacked}")
file(ARCHIVE_EXTRACT INPUT "${DOWNLOADS}/${archive}" DESTINATION "${unpacked}")
set(unpacked "${unpacked}/${name}")

file(INSTALL "${unpacked}/include" DESTINATION "${CURRENT_PACKAGES_DIR}")
if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
  file(INSTALL "${unpacked}/lib/libcaretoken.a" DESTINATION "${CURRENT_PACKAGES_DIR}/lib")
else()
  file(GLOB libraries "${unpacked}/lib/*.so*" "${unpacked}/lib/*.dylib" "${unpacked}/lib/*.dll.a"
       "${unpacked}/lib/*.lib")
  file(INSTALL ${libraries} DESTINATION "${CURRENT_PACKAGES_DIR}/lib")
  if(VCPKG_TARGET_IS_WINDOWS)
    file(INSTALL "${unpacked}/bin/caretoken.dll" DESTINATION "${CURRENT_PACKAGES_DIR}/bin")
  endif()
endif()
file(INSTALL "${unpacked}/lib/pkgconfig" DESTINATION "${CURRENT_PACKAGES_DIR}/lib")

# One build serves debug and release: the interface is C's.
set(VCPKG_BUILD_TYPE release)
set(VCPKG_POLICY_MISMATCHED_NUMBER_OF_BINARIES enabled)
vcpkg_fixup_pkgconfig()

# vcpkg wants CMake's files in share/. From there the way to the libraries is another.
file(GLOB config "${unpacked}/lib/cmake/caretoken/*.cmake")
file(INSTALL ${config} DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
set(config "${CURRENT_PACKAGES_DIR}/share/${PORT}/caretoken-config.cmake")
file(READ "${config}" text)
string(REPLACE "{_caretoken_libdir}/../../..\"" "{_caretoken_libdir}/../../../lib\"" changed "${text}")
if(changed STREQUAL text)
  message(FATAL_ERROR "caretoken-config.cmake does not look for its libraries where this port expects it")
endif()
file(WRITE "${config}" "${changed}")

file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
set(doc "${unpacked}/share/doc/caretoken")
vcpkg_install_copyright(FILE_LIST "${doc}/LICENSE-MIT" "${doc}/LICENSE-APACHE" "${doc}/THIRD-PARTY-NOTICES")
