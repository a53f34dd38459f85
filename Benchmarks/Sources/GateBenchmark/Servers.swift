// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import EmbeddedPostgres
import Foundation
import Glibc
import Logging
import NIOCore

/// Everything that runs during the measurements.
struct Servers {
    let directory: String
    let gateway: GatewayProcess.Place
    let gatewayProcess: ChildProcess
    let nodeProcess: ChildProcess
    let nginxPort: Int
    let nginxProcess: ChildProcess
    let database: EmbeddedPostgres
    /// The database server's first process.
    let databasePID: Int32

    static func start() async throws -> Servers {
        let directory = "/tmp/assay-benchmark-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: "\(directory)/nginx", withIntermediateDirectories: true)
        let program = CommandLine.arguments[0]
        let node = try ChildProcess(program, ["node", directory])
        let database = EmbeddedPostgres(
            configuration: EmbeddedPostgresConfiguration(directory: "\(directory)/pg"),
            logger: Logger(label: "postgres") { _ in SwiftLogNoOpLogHandler() }
        )
        let url = try await database.start()
        let gateway = try ChildProcess(program, ["serve", directory, url])
        let (nginx, port) = try startNginx("\(directory)/nginx")
        return Servers(
            directory: directory,
            gateway: try await ChildProcess.announcement(GatewayProcess.Place.self, at: "\(directory)/gateway.json"),
            gatewayProcess: gateway,
            nodeProcess: node,
            nginxPort: port,
            nginxProcess: nginx,
            database: database,
            databasePID: try databasePID("\(directory)/pg")
        )
    }

    func stop() async {
        gatewayProcess.stop()
        nodeProcess.stop()
        nginxProcess.stop()
        await database.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// nginx as Debian ships it, with a static file, two workers and no log.
    private static func startNginx(_ directory: String) throws -> (ChildProcess, port: Int) {
        let port = try freePort()
        let configuration = """
            daemon off;
            worker_processes 2;
            pid \(directory)/pid;
            error_log \(directory)/error.log;
            events { worker_connections 1024; }
            http {
                access_log off;
                sendfile on;
                tcp_nopush on;
                open_file_cache max=16;
                keepalive_requests 100000000;
                client_body_temp_path \(directory)/body;
                proxy_temp_path \(directory)/proxy;
                fastcgi_temp_path \(directory)/fastcgi;
                uwsgi_temp_path \(directory)/uwsgi;
                scgi_temp_path \(directory)/scgi;
                server {
                    listen 127.0.0.1:\(port);
                    location / { root \(directory)/html; default_type application/json; }
                }
            }
            """
        try FileManager.default.createDirectory(atPath: "\(directory)/html", withIntermediateDirectories: true)
        try configuration.write(toFile: "\(directory)/nginx.conf", atomically: true, encoding: .utf8)
        try String(buffer: GatewayProcess.body).write(
            toFile: "\(directory)/html/static",
            atomically: true,
            encoding: .utf8
        )
        // Workers run as another user when started by root.
        for path in [URL(fileURLWithPath: directory).deletingLastPathComponent().path, directory, "\(directory)/html"] {
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
        return (try ChildProcess("/usr/sbin/nginx", ["-p", directory, "-c", "\(directory)/nginx.conf"]), port)
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard isBound else { throw BenchmarkError("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func databasePID(_ directory: String) throws -> Int32 {
        let files = FileManager.default.enumerator(atPath: directory)
        while let path = files?.nextObject() as? String {
            guard path.hasSuffix("postmaster.pid") else { continue }
            let text = try String(contentsOfFile: "\(directory)/\(path)", encoding: .utf8)
            if let pid = text.split(separator: "\n").first.flatMap({ Int32($0) }) { return pid }
        }
        throw BenchmarkError("no postmaster.pid below \(directory)")
    }
}
