# find_package(holdfast) gives the target holdfast::holdfast.
# Programs that include holdfast/cli/ headers need CLI11 as well: find_package(CLI11).
include(${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/holdfast-targets.cmake)
