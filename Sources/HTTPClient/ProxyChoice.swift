/// Which proxy a request goes through, by the rules that Go programs follow, so that a deployment of the Collector
/// behaves as before.
///
/// A configured proxy is for everything. Otherwise `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the environment decide,
/// in upper case first; this machine itself is never reached through a proxy that only the environment names.
package struct ProxyChoice: Equatable {
  /// Empty for none.
  package let proxy: String
  /// Hosts reached directly, as `NO_PROXY` lists them.
  package let exceptions: String

  /// - Parameters:
  ///   - url: of the request.
  ///   - configured: URL of the proxy for everything.
  ///   - isTunneled: whether the proxy sees no request in any case: then it is that for `https`.
  ///   - environment: reads one variable.
  package init(
    for url: HTTPURL, configured: String?, isTunneled: Bool = false, environment: (String) -> String?
  ) {
    func variable(_ name: String) -> String? {
      for spelling in [name, name.lowercased()] {
        if let value = environment(spelling), !value.isEmpty { return value }
      }
      return nil
    }
    if let configured, !configured.isEmpty {
      (proxy, exceptions) = (configured, "")
    } else if url.isLoopback {
      (proxy, exceptions) = ("", "")
    } else {
      proxy = variable(isTunneled || url.scheme == "https" ? "HTTPS_PROXY" : "HTTP_PROXY") ?? ""
      exceptions = variable("NO_PROXY") ?? ""
    }
  }
}
