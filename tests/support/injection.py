"""Texts that try to act on a terminal, a browser, a page or a reader, in every field they reach."""

from __future__ import annotations

import unicodedata

TERMINAL = [
    "\x1b[31mred\x1b[0m",
    "\x1b[2J\x1b[H",  # clear, home
    "\x1b]0;PWNED title\x07",
    "\x1b]0;PWNED title\x1b\\",
    "\x1b]8;;http://127.0.0.1:9/osc8\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;UFdORUQ=\x07",  # clipboard
    "\x1b]1337;File=name=eA==;inline=1:eA==\x07",
    '\x1bP$q"p\x1b\\',  # DCS
    "\x1b_APC\x1b\\",
    "\x1b^PM\x1b\\",
    "\x1b[6n",  # asks for the cursor's place, which would be typed in
    "\x1b[?1049h\x1b[?25l",
    "\x1bc",  # full reset
    "\x9b31mC1 CSI",
    "\x9d0;PWNED\x9c",
    "\x90q\x9c",
    "over\rwritten",
    "back\x08\x08\x08space",
    "bell\x07\x07",
    "form\x0cfeed\x0bvertical",
    "\x0e shift out \x0f",
    "\x7fdelete\x7f",
    "\x1a\x04 end of file",
]
HIDDEN = [
    "user\u202etxt.exe",  # right to left override
    "\u2066\u2067isolates\u2069\u2069",
    "\u200e\u200f\u061cmarks",
    "zero\u200bwidth\u200c\u200d\u2060\ufeff",
    "soft\xadhyphen",
    "line\u2028paragraph\u2029next\x85",
    "".join(chr(0xE0000 + ord(c)) for c in "tag characters"),
    "filler\u3164\u115f\uffa0\u034f",
    "\ufff9annotation\ufffa\ufffb",
    "private\ue000\U000f0000",
]
MARKUP = [
    "[bold red]rich[/bold red] [/] [link=http://127.0.0.1:9/rich]x[/link]",
    "[@click=app.quit()]textual[/]",
    ":smile: :warning:",
    "# heading\n\n- list\n\n---\n",
    "[link](javascript:document.title='PWNED') ![image](http://127.0.0.1:9/markdown)",
    "| a | b |\n|---|---|\n`code` ```\nfence\n```",
    "---\nlicense: pwned\n---",
    "{{ 7 * 7 }} {% for x in y %} {# comment #}",
    "%s %d %(name)s {0} {name}",
]
PAGE = [
    "<script>document.title='PWNED'</script>",
    "</script><script>document.title='PWNED'</script>",
    "</style><script>document.title='PWNED'</script>",
    "</title><script>document.title='PWNED'</script>",
    "<img src=x onerror=\"document.title='PWNED'\">",
    "<svg onload=\"document.title='PWNED'\"><script>document.title='PWNED'</script></svg>",
    "\"><img src=x onerror=document.title='PWNED'>",
    "' onmouseover='document.title=1' style='position:fixed;inset:0' autofocus onfocus='alert(1)",
    "<iframe srcdoc=\"<script>parent.document.title='PWNED'</script>\"></iframe>",
    "<a href=\"javascript:document.title='PWNED'\">x</a>",
    '<meta http-equiv=refresh content="0;url=http://127.0.0.1:9/refresh">',
    "<link rel=stylesheet href=http://127.0.0.1:9/css><base href=http://127.0.0.1:9/>",
    "<style>body{background:url(http://127.0.0.1:9/style)}</style>",
    "<img src=http://127.0.0.1:9/img><video src=http://127.0.0.1:9/video autoplay></video>",
    "<form action=http://127.0.0.1:9/form><button autofocus>x</button></form>",
    "<object data=http://127.0.0.1:9/object></object><embed src=http://127.0.0.1:9/embed>",
    "--><!--><script>document.title='PWNED'</script>",
    "]]><![CDATA[<script>document.title='PWNED'</script>",
    "&lt;script&gt;document.title='PWNED'&lt;/script&gt; &#x1b;[31m &amp;",
    "<details open ontoggle=document.title='PWNED'>",
    "<math><mtext></p><style><img src onerror=document.title='PWNED'></style>",
]
PAYLOADS = [*TERMINAL, *HIDDEN, *MARKUP, *PAGE]


def raw(text: str) -> set[str]:
    """Characters that a terminal may act on or that nobody sees; line feeds aside."""
    return {
        char
        for char in text
        if unicodedata.category(char)[0] == "C" or char in "\u2028\u2029\u3164\u115f\uffa0\u034f"
    } - {"\n"}
