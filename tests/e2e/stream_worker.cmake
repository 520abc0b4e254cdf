# A worker whose answers come in pieces, for test_body_streams.py. It is no part of what is shipped, and
# built only where it is named: cmake --build --preset release --target stream_worker
add_executable(stream_worker EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/stream_worker.cpp)
target_link_libraries(stream_worker PRIVATE sluice_app)
set_target_properties(stream_worker PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
