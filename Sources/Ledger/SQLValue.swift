/// A value of a column or of a parameter.
package enum SQLValue: Sendable, Equatable {
  case null
  case int(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])
}

extension SQLValue: ExpressibleByNilLiteral, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
  package init(nilLiteral: ()) { self = .null }
  package init(integerLiteral value: Int64) { self = .int(value) }
  package init(stringLiteral value: String) { self = .text(value) }

  init(_ value: Int64?) { self = value.map(SQLValue.int) ?? .null }
  init(_ value: String?) { self = value.map(SQLValue.text) ?? .null }
}
