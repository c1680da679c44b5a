import lab
import pytest
from test_issue import certificate

def test_first(place):
    ca = place.acme_server(alternates=1)
    r = place.renewd(ca.section(), certificate("a.example", Names="a.example b.example")).start("--debug")
    r.wait_issued("a.example")
    print(ca.counts)
