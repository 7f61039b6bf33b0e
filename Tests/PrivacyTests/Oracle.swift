import Foundation
import TestSupport

enum Oracle {
  /// What Tests/Oracles/privacy_oracle.py writes, line by line.
  static func lines<Line: Decodable>(_ arguments: String...) throws -> [Line] {
    try OraclePython.run("Tests/Oracles/privacy_oracle.py", arguments).split(separator: UInt8(ascii: "\n"))
      .map { try JSONDecoder().decode(Line.self, from: $0) }
  }
}
