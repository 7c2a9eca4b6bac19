# `cpack -G DEB` in a build: a Debian package of what `cmake --install` installs.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME shoal)
set(CPACK_PACKAGE_VENDOR Shoal)
set(CPACK_PACKAGE_CONTACT "Shoal maintainers <maintainers@shoal.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "rate limits and an HTTP cache for a whole web application")
set(CPACK_PACKAGE_DESCRIPTION
"Runs a fleet of identical, stateless worker processes behind HAProxy,
which share state only through Redis: rate limits per key that hold for
the whole fleet, and an HTTP cache that never serves what was purged.
.
Installing it starts nothing: shoal-fleet up does.")
# The files know the prefix that they are installed below.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION httpd)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# Beside the libraries that the programs link: what scripts/bootstrap installs to run a fleet, unless every Debian has
# it, and what makes the account.
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "haproxy (>= 2.6), logrotate, passwd, python3 (>= 3.11), redis-server (>= 5:7.0), supervisor (>= 4.2), tzdata")
# What `shoal-fleet up --postgres private` runs; a database of the operator's own may be anywhere.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS postgresql-15)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/deploy/debian/postinst
    ${PROJECT_SOURCE_DIR}/deploy/debian/prerm
    ${PROJECT_SOURCE_DIR}/deploy/debian/postrm)
include(CPack)
