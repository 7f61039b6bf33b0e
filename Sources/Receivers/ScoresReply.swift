import Facts
import HTTPServer
import JSON
import Pipeline

/// What those hear who post scores: what Langfuse answers, as the types of its SDKs have it. Refusals are those of OTLP in
/// JSON, whose `message` is where these SDKs look for one.
enum ScoresReply {
  /// Where scores are not taken.
  static let noLedger = OTLPHTTPReply.unserved(
    "no scores are taken here: no pipeline of this receiver with an enduser processor feeds a ledger")

  static let wrongContentType = OTLPHTTPReply.wrongType("scores are sent as \(json)", accepted: json)

  private static let json = MessageFormat.json.contentType

  static func refused(_ refusal: Refusal) -> HTTPResponse { OTLPHTTPReply.refused(refusal) }

  /// To a request whose scores are safe, but for what could not be used of it.
  static func response(to request: ScoresRequest) -> HTTPResponse {
    switch request.shape {
    case .one: one(request)
    case .list: list(request)
    case .batch: batch(request)
    }
  }

  private static func one(_ request: ScoresRequest) -> HTTPResponse {
    guard let score = request.scores.first else {
      return OTLPHTTPReply.malformed(request.faults.first?.message ?? "no score").written(in: .json, nil)
    }
    return reply(200) { text in
      text.key("id")
      text.string(score.id)
    }
  }

  private static func list(_ request: ScoresRequest) -> HTTPResponse {
    guard request.faultCount > 0 else { return accepted }
    return reply(207) { text in
      text.key("accepted")
      text.int(Int64(request.scores.count))
      text.key("rejected")
      text.int(Int64(request.faultCount))
      text.key("errors")
      text.beginArray()
      for fault in request.faults {
        text.beginObject()
        text.key("message")
        text.string("score \(fault.position): \(fault.message)")
        text.endObject()
      }
      text.endArray()
    }
  }

  private static let accepted = reply(202) { text in
    text.key("message")
    text.string("Accepted")
  }

  private static func batch(_ request: ScoresRequest) -> HTTPResponse {
    reply(207) { text in
      text.key("successes")
      text.beginArray()
      for event in request.events {
        text.beginObject()
        text.key("id")
        text.string(event)
        text.key("status")
        text.int(201)
        text.endObject()
      }
      text.endArray()
      text.key("errors")
      text.beginArray()
      for fault in request.faults {
        text.beginObject()
        text.key("id")
        text.string(fault.event)
        text.key("status")
        text.int(400)
        text.key("message")
        text.string(fault.message)
        text.endObject()
      }
      text.endArray()
    }
  }

  private static func reply(_ status: Int, _ members: (inout JSONText) -> Void) -> HTTPResponse {
    var text = JSONText()
    text.beginObject()
    members(&text)
    text.endObject()
    return HTTPResponse(status: status, contentType: json, body: text.bytes)
  }
}
