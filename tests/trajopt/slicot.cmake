# SLICOT's Riccati solver, with which test_gps_covariance.c compares. Its licence is the GPL: it is
# linked to this test program and to nothing else. The BLAS and LAPACK that it calls are those of the
# library, OpenBLAS, which the program names itself and so finds first.
find_library(TENDRIL_SLICOT slicot REQUIRED)
mark_as_advanced(TENDRIL_SLICOT)
target_link_libraries(test_trajopt PRIVATE ${TENDRIL_SLICOT})
