from gazette.layout.photo import Photo


def test_the_credit_is_under_the_photo():
    assert Photo("a.jpg", "The old mill", "Jo May").under() == "The old mill. (Photo: Jo May)"
