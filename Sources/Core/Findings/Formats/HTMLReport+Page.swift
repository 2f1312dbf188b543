extension HTMLReport {
    /// Nothing is fetched, nothing is sent, and no script runs but the one below, by its digest.
    static let policy =
        "default-src 'none'; style-src 'unsafe-inline'; script-src '\(scriptDigest)'; base-uri 'none'; form-action 'none'"

    /// SHA-256 of `script`; a test recomputes it.
    static let scriptDigest = "sha256-3M7w7XJ8dKRNmFvj7HXErkneDcBnsphvnKMt6m1YOvA="

    /// Filters the table. Without it the page shows everything.
    static let script = """
        'use strict';
        (() => {
          const form = document.querySelector('.filters');
          if (!form) return;
          form.hidden = false;
          const [text, severity, namespace, system] =
            ['text', 'severity', 'namespace', 'system'].map(id => document.getElementById(id));
          const rows = [...document.querySelectorAll('tbody tr')].map(row => ({
            row, words: row.textContent.toLowerCase(), severity: row.dataset.severity,
            namespace: row.dataset.namespace, system: 'system' in row.dataset,
          }));
          const filter = () => {
            const words = text.value.toLowerCase().split(/\\s+/).filter(Boolean);
            let shown = 0;
            for (const it of rows) {
              const fits = words.every(word => it.words.includes(word))
                && (!severity.value || it.severity === severity.value)
                && (!namespace.value || it.namespace === namespace.value)
                && (system.checked || !it.system);
              it.row.hidden = !fits;
              if (fits) shown += 1;
            }
            document.getElementById('count').textContent =
              shown === rows.length ? String(shown) : `${shown} of ${rows.length}`;
          };
          form.addEventListener('input', filter);
          form.addEventListener('submit', event => event.preventDefault());
          filter();
        })();
        """

    static let style = """
        :root { color-scheme: light dark; --ground: #fbfbf9; --sheet: #fff; --ink: #1d2327; --dim: #5d666d;
          --line: #e1e3e0; --critical: #a3123a; --high: #b8430a; --medium: #806000; --low: #17628f; --info: #5d666d; }
        @media (prefers-color-scheme: dark) { :root { --ground: #14171a; --sheet: #1c2125; --ink: #e6e9eb;
          --dim: #9aa4ab; --line: #30373d; --critical: #ff7b9c; --high: #ff9a5c; --medium: #e6c453; --low: #74bdea;
          --info: #9aa4ab; } }
        * { box-sizing: border-box; }
        [hidden] { display: none !important; }
        body { margin: 0; background: var(--ground); color: var(--ink);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
        main { max-width: 72rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
        h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; }
        h1 small { font-size: 1rem; font-weight: 400; color: var(--dim); }
        h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
        h2 .dim { font-weight: 400; }
        .kicker { margin: 0; color: var(--dim); letter-spacing: .04em; }
        .verdict { font-size: 1.2rem; margin: 0 0 .25rem; max-width: 46rem; }
        .dim, small { color: var(--dim); }
        .dim { font-size: .92em; }
        header .dim { margin: 0; }
        code, .place { font-family: ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", Menlo, monospace;
          font-size: .86em; overflow-wrap: anywhere; }
        .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 1rem;
          margin-top: 1.75rem; }
        .card, .severities { background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem;
          padding: 1rem 1.2rem; margin: 0; }
        .card b { display: block; font-size: 2.3rem; line-height: 1.15; font-weight: 650;
          font-variant-numeric: tabular-nums; }
        .card span, .card small { display: block; }
        .severities { list-style: none; grid-column: span 2; display: flex; flex-direction: column;
          justify-content: space-between; }
        .severities li { display: grid; grid-template-columns: 6.5rem 1fr 3.5rem; align-items: center; gap: .6rem; }
        .severities b { text-align: right; font-variant-numeric: tabular-nums; }
        .bar { height: .5rem; border-radius: .25rem; background: var(--line); overflow: hidden; }
        .bar i { display: block; height: 100%; background: currentColor; }
        .critical { --own: var(--critical); } .high { --own: var(--high); } .medium { --own: var(--medium); }
        .low { --own: var(--low); } .info { --own: var(--info); }
        .severities .word, .severities .bar i { color: var(--own); }
        .tag { display: inline-block; white-space: nowrap; color: var(--own, var(--dim)); border: 1px solid;
          border-radius: 1rem; padding: 0 .6em; font-size: .86em; font-weight: 600; }
        .first { padding: 0; margin: 0; list-style: none; display: grid; gap: .75rem;
          grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); }
        .first li { background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem;
          padding: .9rem 1.1rem; }
        .first p { margin: 0 0 .4rem; } .first p:last-child { margin: 0; color: var(--dim); }
        .filters { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; margin-bottom: .75rem; }
        input[type=search] { flex: 1 1 16rem; }
        input[type=search], select { font: inherit; color: inherit; background: var(--sheet);
          border: 1px solid var(--line); border-radius: .4rem; padding: .4rem .6rem; }
        table { width: 100%; border-collapse: collapse; background: var(--sheet); border: 1px solid var(--line); }
        th, td { text-align: left; vertical-align: top; padding: .6rem .8rem; border-top: 1px solid var(--line); }
        th { position: sticky; top: 0; background: var(--sheet); font-size: .86em; color: var(--dim); }
        td:first-child { width: 7.5rem; } td:nth-child(2) { width: 15rem; overflow-wrap: anywhere; }
        td:last-child { overflow-wrap: anywhere; }
        details { margin-top: .25rem; } summary { cursor: pointer; color: var(--dim); font-size: .92em; }
        details p, details ul { margin: .4rem 0; max-width: 46rem; }
        .check { margin-bottom: 1.25rem; max-width: 46rem; } .check p { margin: .25rem 0; }
        h3 { font-size: 1rem; margin: 0; } a { color: inherit; text-decoration-color: var(--dim); }
        :target { outline: 2px solid var(--low); outline-offset: .4rem; }
        .plain { list-style: none; padding: 0; margin: 0; background: var(--sheet); border: 1px solid var(--line); }
        .plain li { padding: .6rem .8rem; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
        .plain li:first-child { border-top: 0; }
        footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--dim);
          font-size: .92em; }
        @media (max-width: 40rem) { .severities { grid-column: 1 / -1; } table, tbody, tr, td { display: block; }
          thead { display: none; } td { border: 0; padding: .25rem .8rem; width: auto !important; }
          tr { border-top: 1px solid var(--line); padding: .5rem 0; } }
        @media print { :root { --ground: #fff; } main { max-width: none; padding: 0; } .filters { display: none; }
          tr, .card, .first li, .plain li { break-inside: avoid; } th { position: static; } }
        """
}
