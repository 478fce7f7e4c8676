//! Blocks of files.
