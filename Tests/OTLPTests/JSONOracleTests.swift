import Foundation
import OTLP
import TestSupport
import Testing

/// Any JSON, to compare by meaning: numbers by value, objects in any order.
enum JSONValue: Decodable, Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([String: JSONValue].self) {
      self = .object(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else {
      self = .null
    }
  }
}

/// A line of Tests/Oracles/json_oracle.py.
struct OracleCase: Decodable {
  var signal: String
  var message: Data
  var expected: JSONValue

  static func all(
    seed: Int, count: Int, _ options: String...
  ) throws -> [(signal: Signal, case: OracleCase)] {
    let lines = try OraclePython.run("Tests/Oracles/json_oracle.py", [String(seed), String(count)] + options)
      .split(separator: UInt8(ascii: "\n"))
    return try lines.map { line in
      let decoded = try JSONDecoder().decode(OracleCase.self, from: line)
      let signal = try #require(Signal.allCases.first { "\($0)" == decoded.signal })
      return (signal, decoded)
    }
  }
}

struct JSONOracleTests {

  @Test(.enabled(if: OraclePython.path != nil, "\(OraclePython.requirement)"))
  func `random requests in every wire form mean what Python's protobuf says`() throws {
    let count = 600
    let cases = try OracleCase.all(seed: 11, count: count)
    #expect(cases.count == count)
    for (index, (signal, oracle)) in cases.enumerated() {
      let text = try json([UInt8](oracle.message), as: .request(signal))
      let written = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
      #expect(written == oracle.expected, "case \(index): \(text)")
    }
  }

  @Test(.enabled(if: OraclePython.path != nil, "\(OraclePython.requirement)"))
  func `what libprotobuf-c unpacks and packs again has the same text`() throws {
    let cases = try OracleCase.all(seed: 7, count: 300, "--for-libprotobuf-c")
    for (index, (signal, oracle)) in cases.enumerated() {
      let message = [UInt8](oracle.message)
      let again = try #require(LibprotobufC.repacked(message, as: signal), "case \(index)")
      #expect(try json(again, as: .request(signal)) == json(message, as: .request(signal)), "case \(index)")
    }
  }

  @Test func `the oracle of libprotobuf-c tells requests from other bytes`() {
    let request = HandWire.request(span: HandWire.text(5, "n"))
    #expect(LibprotobufC.accepts(request))
    #expect(LibprotobufC.repacked(request) == request)
    #expect(!LibprotobufC.accepts(request.dropLast()))
    #expect(LibprotobufC.repacked([0xff]) == nil)
  }
}
