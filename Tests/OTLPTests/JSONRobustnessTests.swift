import COTLP
import Foundation
import OTLP
import Testing

/// SplitMix64: the same mutations in every run.
private struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

struct JSONRobustnessTests {
  private static let value = HandWire.message(
    5, HandWire.message(1, HandWire.text(1, "ü\"\n")), HandWire.message(1, HandWire.double(4, 0.1)),
    HandWire.message(1, HandWire.message(6, HandWire.attribute(1, "k", HandWire.number(3, signed: -7)))),
    HandWire.message(1, HandWire.bytes(7, [1, 2, 3])))

  private static let seeds: [(signal: Signal, message: [UInt8])] = [
    (
      .traces,
      HandWire.message(
        1, HandWire.message(1, HandWire.attribute(1, "service.name", HandWire.text(1, "shop"))),
        HandWire.message(
          2,
          HandWire.message(
            2, HandWire.bytes(1, Array(1...16)), HandWire.bytes(2, Array(1...8)), HandWire.text(5, "chat"),
            HandWire.fixed64(7, 1), HandWire.attribute(9, "a", value),
            HandWire.message(11, HandWire.text(2, "e")), HandWire.message(15, HandWire.text(2, "split")),
            HandWire.attribute(9, "b", HandWire.number(2, 1)), HandWire.message(15, HandWire.number(3, 2)))))
    ),
    (
      .logs,
      HandWire.message(
        1, HandWire.message(2, HandWire.message(2, HandWire.message(5, value), HandWire.fixed32(8, 1))))
    ),
    (
      .metrics,
      HandWire.message(
        1,
        HandWire.message(
          2,
          HandWire.message(
            2, HandWire.text(1, "m"),
            HandWire.message(
              10,
              HandWire.message(
                1, HandWire.double(5, 1), HandWire.message(8, HandWire.bytes(2, [1, 0x80, 1]), HandWire.number(2, 3)),
                HandWire.message(11, HandWire.fixed64(6, 9), HandWire.attribute(7, "x", value)))))))
    ),
  ]

  private static func mutated(_ message: [UInt8], with generator: inout SeededGenerator) -> [UInt8] {
    var bytes = message
    for _ in 0..<Int.random(in: 1...2, using: &generator) where !bytes.isEmpty {
      let place = bytes.indices.randomElement(using: &generator)!
      // Mostly single bits: a change of length breaks nearly every message at once.
      switch Int.random(in: 0..<12, using: &generator) {
      case 0: bytes.insert(contentsOf: bytes[place...].prefix(12), at: place)
      case 1: bytes[place] = .random(in: .min ... .max, using: &generator)
      case 2: bytes.removeSubrange(place...)
      case 3: bytes.remove(at: place)
      case 4: bytes.insert(.random(in: .min ... .max, using: &generator), at: place)
      default: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      }
    }
    return bytes
  }

  @Test func `mutated requests are refused or written as good JSON`() throws {
    var generator = SeededGenerator(state: 1)
    var written = 0
    var refused = 0
    for (signal, message) in Self.seeds {
      for _ in 0..<2000 {
        let bytes = Self.mutated(message, with: &generator)
        do {
          let text = try json(bytes, as: .request(signal))
          written += 1
          #expect(throws: Never.self, "\(bytes)") { try JSONSerialization.jsonObject(with: Data(text.utf8)) }
        } catch is OTLPJSON.Failure {
          refused += 1
        }
      }
    }
    #expect(written > 500, "too few mutations left a message")
    #expect(refused > 500, "too few mutations broke the message")
  }

  @Test func `every prefix of a request is refused or written, without a byte beyond it being read`() {
    for (signal, message) in Self.seeds {
      for length in 0...message.count {
        // An allocation of its own, whose end AddressSanitizer watches.
        let bytes = Array(message.prefix(length))
        _ = try? json(bytes, as: .request(signal))
      }
    }
  }

  @Test func `output of any size is filled within its bounds or reported as full`() throws {
    let message = Self.seeds[0].message
    let whole = Array(try json(message).utf8)
    for capacity in 0...whole.count + 64 {
      let guardByte: UInt8 = 0xa5
      var output = [UInt8](repeating: guardByte, count: capacity + 64)
      var written = 0
      let result = cotlp_json_write(
        COTLP_JSON_TRACES_REQUEST, message, message.count, &output, capacity, &written)
      #expect(output[capacity...].allSatisfy { $0 == guardByte })
      if result == COTLP_JSON_WRITTEN {
        #expect(Array(output[..<written]) == whole)
      } else {
        #expect(result == COTLP_JSON_FULL && capacity < whole.count + 40)
      }
    }
  }
}
