import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the network's errors mean to a person.
enum ErrorText {
    /// Why no connection came to be; nil when one did, and TLS failed on it.
    static func connection(
        _ error: any Error, to hop: Endpoint, isProxy: Bool, server: Endpoint
    ) -> ClientError? {
        let what = isProxy ? "proxy \(hop.authority)" : "\(hop.authority)"
        let code: (ClientError.Code) -> ClientError.Code = { isProxy ? .proxy : $0 }
        switch error {
        case let error as NIOConnectionError:
            if error.connectionErrors.isEmpty {
                return ClientError(
                    code(.unknownHost),
                    "the name \"\(hop.host)\" is not known; check "
                        + (isProxy ? "proxy-url" : "the server's name, DNS and VPN")
                )
            }
            let causes = error.connectionErrors.map(\.error)
            let told = causes.compactMap { connection($0, to: hop, isProxy: isProxy, server: server) }
            return told.first { $0.code != .unreachable } ?? told.first
                ?? ClientError(code(.unreachable), "\(what) cannot be reached (\(short(error))); check the network")
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            return ClientError(
                code(.connectionRefused),
                "\(what) refused the connection; is \(isProxy ? "the proxy" : "the API server") running, and "
                    + "the port right?"
            )
        case let error as IOError where error.errnoCode == ECONNRESET || error.errnoCode == EPIPE:
            return isProxy ? nil : ClientError(.connectionCut, "\(what) closed the connection; is it an API server?")
        case let error as IOError:
            return ClientError(
                code(.unreachable), "\(what) cannot be reached (\(short(error))); check the network, VPN and firewall")
        case let error as ChannelError:
            switch error {
            case .connectTimeout:
                return ClientError(code(.timeout), "\(what) does not answer; check the address, VPN and firewall")
            case .eof, .ioOnClosedChannel, .inputClosed:
                return ClientError(
                    code(.connectionCut), "\(what) closed the connection before it stood; is it an API server?")
            default: return nil
            }
        case let error as ClientError where error.code == .timeout:
            return ClientError(code(.timeout), "\(what) takes the connection but does not go on; is it an API server?")
        default: return nil
        }
    }

    static func isVerification(_ error: any Error) -> Bool {
        guard case .handshakeFailed(let failure)? = error as? NIOSSLError else { return false }
        return "\(failure)".contains("CERTIFICATE_VERIFY_FAILED")
    }

    static func isHostname(_ error: any Error) -> Bool {
        if case .unableToValidateCertificate? = error as? NIOSSLError { return true }
        guard let error = error as? NIOSSLExtraError else { return false }
        return error == .failedToValidateHostname || error == .serverHostnameImpossibleToMatch
    }

    /// The client certificate that is out of date, if it is: what a refused handshake or a 401 then comes from.
    static func expiredClient(_ credentials: Credentials.Current, now: Double) -> ClientError? {
        guard let pem = credentials.certificate, let leaf = try? NIOSSLCertificate.fromPEMBytes(pem).first else {
            return nil
        }
        if Double(leaf.notValidAfter) < now {
            return ClientError(
                .clientCertificateExpired,
                "the client certificate of the kubeconfig expired on "
                    + "\(SystemTime.display(Double(leaf.notValidAfter))); "
                    + "fetch a new kubeconfig (kubeadm certs renew, or your provider's login)")
        }
        if Double(leaf.notValidBefore) > now {
            return ClientError(
                .clientCertificateExpired,
                "the client certificate of the kubeconfig is valid only from "
                    + "\(SystemTime.display(Double(leaf.notValidBefore))); check this machine's clock")
        }
        return nil
    }

    static func handshake(_ error: any Error, with server: Endpoint) -> ClientError {
        let text = short(error)
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            return ClientError(
                .handshake,
                "\(server.authority) does not speak TLS; write http:// if it is meant to, or correct the port")
        }
        if text.contains("ALERT") {
            return ClientError(
                .handshake, "\(server.authority) refused the client certificate (\(text)); fetch a new kubeconfig")
        }
        return ClientError(.handshake, "no TLS with \(server.authority) (\(text)); is it an API server?")
    }

    /// The cause, short enough for one line.
    static func short(_ error: any Error) -> String {
        let text: String
        switch error {
        case NIOSSLError.handshakeFailed(.sslError(let stack)): text = stack.first.map { "\($0)" } ?? "TLS"
        case let error as IOError: text = error.description
        case let error as ClientError: text = error.message
        default: text = "\(error)"
        }
        let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        return line.count > 160 ? "\(line.prefix(160))…" : line
    }
}
