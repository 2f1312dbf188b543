import Documents
import Findings

extension SecretDossier {
    /// For a terminal.
    package var text: String {
        var out = PrintableText.of("\(reference)") + "\n"
        for section in DossierSections(self).printable {
            out += "\n\(section.title)\n"
            guard !section.rows.isEmpty else {
                out += "  \(section.empty)\n"
                continue
            }
            let used = section.columns.indices.filter { column in section.rows.contains { !$0[column].isEmpty } }
            let widths = used.map { column in section.rows.map { $0[column].count }.max() ?? 0 }
            for row in section.rows {
                var line = "  "
                for (position, column) in used.enumerated() {
                    let cell = row[column]
                    line += cell
                    if position + 1 < used.count {
                        line += String(repeating: " ", count: widths[position] - cell.count + 3)
                    }
                }
                while line.last == " " { line.removeLast() }
                out += line + "\n"
            }
        }
        return out
    }

    /// For programs: every section by its id, its rows as objects.
    package var json: String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("secret", reference.description)
            for section in DossierSections(self).sections {
                writer.member(
                    section.id,
                    array: { writer in
                        for row in section.rows {
                            writer.object { writer in
                                for (key, value) in zip(section.columns, row) { writer.member(key, value) }
                            }
                        }
                    })
            }
        }
        return writer.string
    }

    /// A page of its own that fetches nothing and runs nothing.
    package var html: String {
        var body = ""
        for section in DossierSections(self).sections {
            body += "<h2>\(MarkupText.escaped(section.title))</h2>\n"
            guard !section.rows.isEmpty else {
                body += "<p class=\"dim\">\(MarkupText.escaped(section.empty))</p>\n"
                continue
            }
            body += "<table><thead><tr>"
            for column in section.columns { body += "<th>\(MarkupText.escaped(column))</th>" }
            body += "</tr></thead><tbody>\n"
            for row in section.rows {
                body += "<tr>" + row.map { "<td>\(MarkupText.escaped($0))</td>" }.joined() + "</tr>\n"
            }
            body += "</tbody></table>\n"
        }
        let title = MarkupText.escaped("Dossier of \(reference)")
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>\(title)</title>
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <style>
            :root { color-scheme: light dark }
            body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
            table { border-collapse: collapse; width: 100% } .dim { opacity: .7 }
            th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-top: 1px solid #8886;
              overflow-wrap: anywhere }
            </style></head><body>
            <h1>\(title)</h1>
            \(body)</body></html>

            """
    }
}
