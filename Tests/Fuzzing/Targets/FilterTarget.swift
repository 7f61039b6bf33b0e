import Facts
import Filters
import JSON
import Ledger

extension FuzzTarget {
  /// A filter's text: what is wrong with it is said with a place in it; what can be read can be asked in SQL and of a span.
  static let filter = FuzzTarget(name: "filter") { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    do throws(FilterError) {
      let filter = try Filter(parsing: text)
      for view in LedgerView.allCases {
        guard let fault = faultInSQL(of: filter, view) else { continue }
        return fault
      }
      if let predicate = try? SpanPredicate(filter) {
        _ = predicate.matches(SpanFacts(), using: JSONDocument())
      }
      return nil
    } catch {
      guard 0...text.unicodeScalars.count ~= error.offset else { return "a fault that is not in the text" }
      let lines = error.description.split(separator: "\n")
      guard lines.count == (text.isEmpty ? 1 : 3), !error.message.isEmpty else { return "a fault that is not shown" }
      return nil
    }
  }

  private static func faultInSQL(of filter: Filter, _ view: LedgerView) -> String? {
    do {
      let sql = try FilterSQL(filter, view: view)
      // No text that somebody wrote is in there, so that each ? is a parameter.
      return sql.sql.utf8.count { $0 == UInt8(ascii: "?") } == sql.parameters.count
        ? nil : "SQL that has other parameters than it is given"
    } catch {
      return error.message.contains("have no") ? nil : "no SQL: \(error.message)"
    }
  }
}
