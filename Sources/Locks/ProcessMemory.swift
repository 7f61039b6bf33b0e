import CGlibc

/// The memory of this process.
package enum ProcessMemory {
  /// Gives memory that was freed back to the system; the C library keeps it otherwise.
  package static func trim() {
    cglibc_trim_memory()
  }
}
