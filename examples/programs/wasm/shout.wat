;; Writes each line that it reads in capitals. Any language that compiles to WASI would do: Rust, C,
;; Go, Zig.

(module
  ;; Both take a file, a list of (address, length) pairs, the length of the list, and the address for
  ;; the number of bytes. They return 0 unless there is an error.
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))

  ;; 0: the address of the text, 4: its length, 8: how many bytes were read or written, 16: the text.
  (memory (export "memory") 1)

  (func (export "_start") (local $at i32) (local $end i32) (local $byte i32)
    (loop $read_on
      (i32.store (i32.const 0) (i32.const 16))
      (i32.store (i32.const 4) (i32.const 4096))
      (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then return))
      ;; No bytes are the end of the input.
      (if (i32.eqz (i32.load (i32.const 8))) (then return))

      (local.set $at (i32.const 16))
      (local.set $end (i32.add (local.get $at) (i32.load (i32.const 8))))
      (loop $next
        (local.set $byte (i32.load8_u (local.get $at)))
        ;; a to z
        (if (i32.lt_u (i32.sub (local.get $byte) (i32.const 97)) (i32.const 26))
          (then (i32.store8 (local.get $at) (i32.sub (local.get $byte) (i32.const 32)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $at) (local.get $end))))

      ;; A write may take a part of the text.
      (loop $write_on
        (i32.store (i32.const 4) (i32.sub (local.get $end) (i32.load (i32.const 0))))
        (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then return))
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.load (i32.const 8))))
        (br_if $write_on (i32.lt_u (i32.load (i32.const 0)) (local.get $end))))
      (br $read_on))))
