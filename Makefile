# make              builds the C library (Rust and a C compiler are needed)
# make install      installs it with headers, pkg-config and CMake files, examples and licences, and the
#                   program `caretoken`
# make uninstall    removes what `make install` with the same variables put there
#
# PREFIX=/usr/local       where it goes; everything may be moved as a whole later
# LIBDIR=$(PREFIX)/lib    such as $(PREFIX)/lib64, $(PREFIX)/lib/x86_64-linux-gnu
# DESTDIR=                what stands in front of both while a package is made
# TARGET=                 builds for another system, by Rust's name of it
# FEATURES=capi           capi,native-tls adds tls=system
# BUILT=                  a directory with what was built before; nothing is built

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DESTDIR ?=
TARGET ?=
FEATURES ?= capi
BUILT ?= $(or $(CARGO_TARGET_DIR),target)/capi$(addprefix /,$(TARGET))/release
export PREFIX LIBDIR DESTDIR TARGET FEATURES BUILT

.PHONY: all install uninstall
all:
ifeq ($(origin BUILT),file)
	packaging/build
endif

install: all
	packaging/install

uninstall:
	packaging/install --undo
