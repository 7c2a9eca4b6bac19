# `cmake --install`: programs in lib/shoal/bin, the tree that the tools work with in share/shoal, the tools' commands in
# bin, systemd's units in lib/systemd/system. Nothing of it is written to when it runs.

# The tree is put there by a script: it changes names of commands, and knows the prefix that was asked for.
install(CODE "set(source [[${PROJECT_SOURCE_DIR}]])\nset(version ${PROJECT_VERSION})")
install(SCRIPT ${PROJECT_SOURCE_DIR}/deploy/cmake/install_tree.cmake)
