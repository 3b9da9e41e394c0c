from tasks.caption.place_facts import zone


def test_zones():
    places = [zone(latitude) for latitude in (0, -20, 30, -45, 70, -80)]
    assert places[:2] == ["the tropics"] * 2
    assert places[2:4] == ["the northern subtropics", "the southern mid-latitudes"]
    assert places[4:] == ["the Arctic", "the Antarctic"]
