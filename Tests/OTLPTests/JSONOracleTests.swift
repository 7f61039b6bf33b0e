import COTLPOracle
import Foundation
import OTLP
import Testing

/// A Python that has opentelemetry-proto: HEIRLOOM_TEST_PYTHON, or the package's own virtual environment.
private enum OraclePython {
  static let package = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static let path: String? = {
    if let chosen = ProcessInfo.processInfo.environment["HEIRLOOM_TEST_PYTHON"] { return chosen }
    let own = package.appending(path: ".venv/bin/python").path
    return FileManager.default.isExecutableFile(atPath: own) ? own : nil
  }()

  static let requirement: Comment =
    "needs a Python with opentelemetry-proto: set HEIRLOOM_TEST_PYTHON or make .venv in the package"

  static func run(_ script: String, _ arguments: [String]) throws -> Data {
    let process = Process()
    process.executableURL = URL(filePath: try #require(path))
    process.arguments = [package.appending(path: script).path] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(script) failed; see its message above")
    return bytes
  }
}

/// Any JSON, to compare by meaning: numbers by value, objects in any order.
private enum JSONValue: Decodable, Equatable {
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

private struct OracleCase: Decodable {
  var signal: String
  var message: Data
  var expected: JSONValue
}

struct JSONOracleTests {
  private static func cases(
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

  @Test(.enabled(if: OraclePython.path != nil, OraclePython.requirement))
  func `random requests in every wire form mean what Python's protobuf says`() throws {
    let count = 600
    let cases = try Self.cases(seed: 11, count: count)
    #expect(cases.count == count)
    for (index, (signal, oracle)) in cases.enumerated() {
      let text = try json([UInt8](oracle.message), as: .request(signal))
      let written = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
      #expect(written == oracle.expected, "case \(index): \(text)")
    }
  }

  @Test(.enabled(if: OraclePython.path != nil, OraclePython.requirement))
  func `what libprotobuf-c unpacks and packs again has the same text`() throws {
    let cases = try Self.cases(seed: 7, count: 300, "--for-libprotobuf-c")
    for (index, (signal, oracle)) in cases.enumerated() {
      let message = [UInt8](oracle.message)
      let code =
        switch signal {
        case .traces: COTLP_TRACES
        case .logs: COTLP_LOGS
        case .metrics: COTLP_METRICS
        }
      var packed = cotlp_bytes()
      try #require(cotlp_oracle_accepts(code, message, message.count), "case \(index)")
      try #require(cotlp_oracle_repack(code, message, message.count, &packed), "case \(index)")
      defer { cotlp_bytes_free(packed) }
      let again = Array(UnsafeBufferPointer(start: packed.data, count: packed.count))
      #expect(try json(again, as: .request(signal)) == json(message, as: .request(signal)), "case \(index)")
    }
  }

  @Test func `the oracle of libprotobuf-c tells requests from other bytes`() {
    let request = HandWire.request(span: HandWire.text(5, "n"))
    #expect(cotlp_oracle_accepts_traces(request, request.count))
    #expect(!cotlp_oracle_accepts_traces(request, request.count - 1))
    var packed = cotlp_bytes()
    #expect(!cotlp_oracle_repack_traces([0xff], 1, &packed))
  }
}
