import Foundation
import OTLP
import TestSupport

extension FuzzTarget {
  /// The JSON writer: the first byte chooses the message, the rest is its bytes. It writes good JSON or says why not, and
  /// a well-formed trace request it writes.
  static let json = FuzzTarget(name: "json") { input in
    guard let choice = input.first else { return nil }
    let kinds: [OTLPMessage] =
      Signal.allCases.map { .request($0) } + Signal.allCases.map { .response($0) } + [.status]
    let kind = kinds[Int(choice) % kinds.count]
    let message = Array(input.dropFirst())
    var text = Array("before".utf8)
    let failure: OTLPJSON.Failure? = message.withUnsafeBytes { bytes in
      do throws(OTLPJSON.Failure) {
        try OTLPJSON.append(bytes, as: kind, to: &text)
        return nil
      } catch {
        return error
      }
    }
    if let failure {
      guard text == Array("before".utf8) else { return "a failure changed the text" }
      guard kind == .request(.traces), ReferenceIndex(message, rules: .forRandomTelemetry()) != nil else { return nil }
      return "well-formed, but \(failure)"
    }
    guard text.starts(with: "before".utf8) else { return "the text before it was changed" }
    let written = text.dropFirst("before".utf8.count)
    guard String(validating: written, as: UTF8.self) != nil else { return "the text is not UTF-8" }
    guard !written.contains(UInt8(ascii: "\n")) else { return "the text has several lines" }
    guard (try? JSONSerialization.jsonObject(with: Data(written))) != nil else { return "the text is not JSON" }
    return nil
  }
}
