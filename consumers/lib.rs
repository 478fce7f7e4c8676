//! The consumers.
