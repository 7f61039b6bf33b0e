import Foundation
import OTLP
import TestSupport
import Testing

/// A line of Tests/Oracles/json_spellings.py.
private struct Spelling: Decodable {
  var signal: String
  var text: Data
  var expected: JSONValue
}

struct JSONReaderOracleTests {
  @Test(.enabled(if: OraclePython.path != nil, "\(OraclePython.requirement)"))
  func `requests in every spelling mean what Python's protobuf says`() throws {
    let count = 600
    let lines = try OraclePython.run("Tests/Oracles/json_spellings.py", ["5", String(count)])
      .split(separator: UInt8(ascii: "\n"))
    #expect(lines.count == count)
    let reader = OTLPJSONReader()
    for (index, line) in lines.enumerated() {
      let spelling = try JSONDecoder().decode(Spelling.self, from: line)
      let signal = try #require(Signal.allCases.first { "\($0)" == spelling.signal })
      let message = try read(spelling.text, as: .request(signal), with: reader)
      let written = try JSONDecoder().decode(JSONValue.self, from: Data(json(message, as: .request(signal)).utf8))
      #expect(written == spelling.expected, "case \(index): \(String(decoding: spelling.text, as: UTF8.self))")
    }
  }

  @Test(.enabled(if: OraclePython.path != nil, "\(OraclePython.requirement)"))
  func `what was written is read as the same message, of every signal`() throws {
    let reader = OTLPJSONReader()
    for (signal, message) in try OracleCase.all(seed: 23, count: 300) {
      let text = try json([UInt8](message.message), as: .request(signal))
      let again = try read(text.utf8, as: .request(signal), with: reader)
      #expect(try json(again, as: .request(signal)) == text)
      #expect(LibprotobufC.repacked(again, as: signal) != nil)
    }
  }

  @Test func `random traces come out as the same spans`() throws {
    var telemetry = RandomTelemetry(seed: 9)
    let reader = OTLPJSONReader()
    let rules = SpanRules()
    for _ in 0..<200 {
      let traceID = telemetry.random.bytes(16)
      let spans = (0..<Int.random(in: 0...6, using: &telemetry.random)).map { _ in
        telemetry.span(traceID: traceID, id: telemetry.random.bytes(8))
      }
      let request = telemetry.request(spans).bytes(using: &telemetry.random)
      let text = try json(request)
      let again = try read(text.utf8, with: reader)
      #expect(try json(again) == text)
      let before = try IndexedRequest(request, rules: rules)
      let after = try IndexedRequest(again, rules: rules)
      #expect(after.spans.count == before.spans.count)
      #expect(after.rejected == before.rejected)
    }
  }
}
