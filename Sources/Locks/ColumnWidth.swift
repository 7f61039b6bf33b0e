import CGlibc

/// How much room text takes on a terminal, as the C library knows it.
package enum ColumnWidth {
  /// 0 for what combines with the character before it, 2 for wide ones; nil for what cannot be printed.
  package static func of(_ scalar: Unicode.Scalar) -> Int? {
    let width = Int(cglibc_column_width(scalar.value))
    return width < 0 ? nil : width
  }
}
