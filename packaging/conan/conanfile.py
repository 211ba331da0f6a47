"""The recipe for Conan 2 that takes a release archive. In the folder that was unpacked:

    conan export-pkg .                    the shared library
    conan export-pkg . -o "&:shared=False"

Then `requires("caretoken/0.1.0")`; in CMake, find_package(caretoken) and caretoken::caretoken.
"""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import copy, load

SYSTEMS = {"linux": "Linux", "windows": "Windows", "darwin": "Macos"}
PROCESSORS = {"x86_64": "x86_64", "aarch64": "armv8", "i686": "x86"}


class Caretoken(ConanFile):
    name = "caretoken"
    description = "Bearer tokens for electronic health record systems"
    license = "MIT OR Apache-2.0"
    package_type = "library"
    settings = "os", "arch"
    options = {"shared": [True, False]}
    default_options = {"shared": True}

    def _config(self, folder):
        return load(self, os.path.join(folder, "lib/cmake/caretoken/caretoken-config.cmake"))

    def set_version(self):
        try:
            self.version = re.match(r"# caretoken (\S+) for", self._config(self.recipe_folder))[1]
        except FileNotFoundError:
            raise ConanInvalidConfiguration(
                "this recipe packs a release archive: unpack one, and run `conan export-pkg .` in its folder"
            )

    def package(self):
        target = re.match(r"# caretoken \S+ for (\S+)", self._config(self.source_folder))[1]
        found = next(name for part, name in SYSTEMS.items() if part in target)
        processor = PROCESSORS[target.split("-")[0]]
        if (found, processor) != (str(self.settings.os), str(self.settings.arch)):
            raise ConanInvalidConfiguration(
                f"this archive is for {target}, and the profile says {self.settings.os} {self.settings.arch}"
            )
        libraries = ["*.so*", "*.dylib", "*.dll.a", "caretoken.lib"] if self.options.shared else ["libcaretoken.a"]
        for pattern in libraries:
            copy(self, pattern, f"{self.source_folder}/lib", f"{self.package_folder}/lib")
        for pattern in ("include/*", "bin/*", "share/*"):
            copy(self, pattern, self.source_folder, self.package_folder)
        copy(self, "LICENSE*", f"{self.source_folder}/share/doc/caretoken", f"{self.package_folder}/licenses")
        copy(self, "THIRD-PARTY*", f"{self.source_folder}/share/doc/caretoken", f"{self.package_folder}/licenses")
        # What a program with the static library links, as caretoken.pc has it.
        copy(self, "caretoken.pc", f"{self.source_folder}/lib/pkgconfig", f"{self.package_folder}/licenses")

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "caretoken")
        self.cpp_info.set_property("cmake_target_name", "caretoken::caretoken")
        self.cpp_info.set_property("pkg_config_name", "caretoken")
        self.cpp_info.libs = ["caretoken"]
        if not self.options.shared:
            pc = load(self, os.path.join(self.package_folder, "licenses/caretoken.pc"))
            private = re.search(r"^Libs\.private: (.*)$", pc, re.MULTILINE)[1]
            self.cpp_info.system_libs = [flag.removeprefix("-l") for flag in private.split()]
