//! Laws of the design, each with the test that fails when it is broken.

mod public_routes;
